import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** One request as it arrived at the upstream, byte for byte. */
export interface ReceivedRequest {
  readonly head: string;
  readonly body: string;
  /** Number of the connection it came on, from 1. */
  readonly connection: number;
  readonly socket: Socket;
}

/** An upstream that keeps every byte it gets and answers exactly as the test says. */
export interface ScriptedUpstream {
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** All bytes received, over all connections, as latin1. */
  readonly bytes: string;
  readonly connections: number;
  readonly openSockets: number;
  /** Resolves with the next request that has not been taken yet. */
  next(): Promise<ReceivedRequest>;
  /** Called with each new connection before it is read. */
  onConnection: ((socket: Socket) => void) | undefined;
  /** Lets go of the requests received so far, and of their sockets. */
  forget(): void;
  stop(): Promise<void>;
}

export type Answer = (request: ReceivedRequest) => void;

/** Answers with JSON and a length. */
export function answerJson(body: string): Answer {
  return ({ socket }) => {
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  };
}

export const eventStreamHead =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Text as one chunk of chunked coding. */
export function toChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export interface ScriptedUpstreamOptions {
  readonly tls?: TlsOptions;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Listens there instead of on a port. */
  readonly socketPath?: string;
}

export async function startScriptedUpstream(
  answer?: Answer,
  options: ScriptedUpstreamOptions = {},
): Promise<ScriptedUpstream> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const takers: ((request: ReceivedRequest) => void)[] = [];
  let taken = 0;
  let bytes = '';
  let connections = 0;
  const onRequest = (request: ReceivedRequest): void => {
    requests.push(request);
    const taker = takers.shift();
    if (taker !== undefined) {
      taken++;
      taker(request);
    }
    answer?.(request);
  };
  const serve = (socket: Socket): void => {
    upstream.onConnection?.(socket);
    const connection = ++connections;
    let pending = '';
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      pending += chunk.toString('latin1');
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.slice(0, end);
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (pending.length < end + 4 + length) return;
        const body = pending.slice(end + 4, end + 4 + length);
        pending = pending.slice(end + 4 + length);
        onRequest({ head, body, connection, socket });
      }
    });
  };
  const { tls, host = '127.0.0.1', port = 0, socketPath } = options;
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  // A client that does not trust the certificate breaks off the handshake.
  server.on('tlsClientError', (_error, socket: Socket) => void socket.destroy());
  const place = socketPath === undefined ? { host, port } : { path: socketPath };
  await new Promise<void>((resolve) => void server.listen(place, resolve));
  const address = server.address() as AddressInfo | string; // It is listening.
  const upstream: ScriptedUpstream = {
    onConnection: undefined,
    port: typeof address === 'string' ? 0 : address.port,
    requests,
    get bytes() {
      return bytes;
    },
    get connections() {
      return connections;
    },
    get openSockets() {
      return sockets.size;
    },
    next() {
      const request = requests[taken];
      if (request !== undefined) {
        taken++;
        return Promise.resolve(request);
      }
      return new Promise((resolve) => void takers.push(resolve));
    },
    forget() {
      requests.length = 0;
      taken = 0;
      bytes = '';
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
  return upstream;
}
