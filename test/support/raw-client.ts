import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/** A TLS client that sends exactly the bytes it is told and keeps all it gets. */
export interface RawClient {
  readonly socket: TLSSocket;
  /** Everything received so far, as latin1. */
  readonly received: string;
  send(bytes: string | Buffer): void;
  /** Resolves once the received text satisfies the test; rejects when the connection closes before. */
  until(test: (received: string) => boolean): Promise<string>;
  /** Resolves with everything received once the other side has closed. */
  closed(): Promise<string>;
  /** Forgets what was received. */
  clear(): void;
  /** Ends the connection with a TCP reset. */
  reset(): void;
}

export async function connectRaw(options: {
  readonly port: number;
  readonly ca: string;
  readonly localAddress?: string;
  /** The name in the handshake (SNI); `localhost` when absent. */
  readonly servername?: string;
  /** Sent before the TLS handshake. */
  readonly preface?: string | Buffer;
  /** Already connected; the TLS handshake goes over it. */
  readonly socket?: Socket;
}): Promise<RawClient> {
  const { port, ca, localAddress, servername = 'localhost', preface } = options;
  const tcp =
    options.socket ??
    connectTcp({ host: '127.0.0.1', port, ...(localAddress === undefined ? {} : { localAddress }) });
  if (preface !== undefined) tcp.write(preface);
  tcp.on('error', () => tcp.destroy());
  const socket = connect({ socket: tcp, ca, servername, ALPNProtocols: ['http/1.1'] });
  let received = '';
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    wake();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  await once(socket, 'secureConnect');
  return {
    socket,
    get received() {
      return received;
    },
    send(bytes) {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    },
    until(test) {
      return new Promise((resolve, reject) => {
        const check = (): void => {
          if (test(received)) {
            waiting.delete(check);
            resolve(received);
          } else if (isClosed) {
            waiting.delete(check);
            reject(new Error(`closed after ${JSON.stringify(received)}`));
          }
        };
        waiting.add(check);
        check();
      });
    },
    closed() {
      return new Promise((resolve) => {
        const check = (): void => {
          if (!isClosed) return;
          waiting.delete(check);
          resolve(received);
        };
        waiting.add(check);
        check();
      });
    },
    clear() {
      received = '';
    },
    reset() {
      tcp.resetAndDestroy();
    },
  };
}

/** An HTTP/1.1 POST of a JSON body to `path`. */
export function buildPost(
  body: string,
  options: { readonly path?: string; readonly fields?: string } = {},
): string {
  return (
    `POST ${options.path ?? '/mcp'} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Accept: application/json, text/event-stream\r\n${options.fields ?? ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n` +
    Buffer.from(body).toString('latin1')
  );
}
