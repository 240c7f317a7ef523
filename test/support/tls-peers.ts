import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  connect,
  createServer,
  type ConnectionOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';

export interface EchoServer {
  readonly server: Server;
  readonly port: number;
  /** Messages of handshakes that failed, as the server saw them. */
  readonly failures: readonly string[];
  close(): Promise<void>;
}

/** A TLS server on loopback that sends back what it gets. */
export async function startEchoServer(
  options: TlsOptions,
  attach?: (server: Server) => void,
): Promise<EchoServer> {
  const sockets = new Set<TLSSocket>();
  const failures: string[] = [];
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    // A client that is done resets the connection as often as it ends it.
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    failures.push(error.message);
    socket.destroy();
  });
  attach?.(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The server listens on TCP, so its address is not the path of a Unix socket.
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    failures,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Completes a handshake, or rejects with the client's error. Trust is not checked unless `rejectUnauthorized` asks for it. */
export async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** The error code of a handshake that must fail. */
export async function refusal(options: ConnectionOptions): Promise<string> {
  try {
    const socket = await handshake(options);
    const accepted = `accepted with ${socket.getProtocol()} ${socket.getCipher().name}`;
    socket.destroy();
    return accepted;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** Sends a text and waits until all of it has come back. */
export async function echo(socket: TLSSocket, text: string): Promise<string> {
  socket.write(text);
  let answer = '';
  while (answer.length < text.length) {
    const [chunk]: Buffer[] = await once(socket, 'data');
    answer += chunk?.toString() ?? '';
  }
  return answer;
}

/** Serial number of the certificate that a new connection is given. */
export async function serialSeen(options: ConnectionOptions): Promise<string | undefined> {
  const socket = await handshake(options);
  const serial = socket.getPeerX509Certificate()?.serialNumber;
  socket.destroy();
  return serial;
}
