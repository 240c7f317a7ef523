import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { createTestCertificate } from '../support/certificates.ts';

/**
 * A proxy as one should not be, for control runs: it copies bytes between two sockets without waiting for a slow
 * reader, and does not tell one side when the other has gone.
 */
export interface NaiveProxy extends AsyncDisposable {
  readonly port: number;
  /** PEM that clients must trust. */
  readonly ca: string;
  /** Bytes it holds for clients that do not read. */
  readonly held: number;
}

export async function startNaiveProxy(upstreamPort: number): Promise<NaiveProxy> {
  const { cert, key } = await createTestCertificate();
  const sockets = new Set<Socket>();
  const server = createServer({ cert, key }, (client) => {
    const upstream = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        if (to.writable) to.write(bytes);
      });
      from.on('error', () => from.destroy());
    }
  });
  // A client that leaves in the middle of a handshake is part of a test.
  server.on('tlsClientError', (_error, socket) => void socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    ca: cert,
    get held() {
      return [...sockets].reduce((sum, { writableLength }) => sum + writableLength, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
