import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { createTestCertificate } from '../../support/certificates.ts';
import type { Party } from './exchange.ts';

export interface NaiveForwarder extends AsyncDisposable, Party {}

interface Job {
  readonly bytes: string;
  readonly client: Socket;
}

/**
 * A proxy as one should not be, for control runs: it ends a head at the first empty line, CRLF or LF, believes the
 * last Content-Length, knows no chunks, refuses nothing, and sends the bytes on as they came, all clients' over one
 * connection. Whatever comes back goes to the client whose request was sent first and has no answer yet.
 */
export async function startNaiveForwarder(options: {
  readonly upstreamPort: number;
}): Promise<NaiveForwarder> {
  const sockets = new Set<Socket>();
  const waiting: Socket[] = [];
  let upstream: Socket | undefined;
  const toUpstream = ({ bytes, client }: Job): void => {
    upstream ??= open();
    waiting.push(client);
    upstream.write(Buffer.from(bytes, 'latin1'));
  };
  const open = (): Socket => {
    const socket = connect(options.upstreamPort, '127.0.0.1');
    let pending = '';
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (upstream = upstream === socket ? undefined : upstream));
    socket.on('data', (piece: Buffer) => {
      pending += piece.toString('latin1');
      for (let end = findEnd(pending); end !== undefined; end = findEnd(pending)) {
        const client = waiting.shift();
        if (client?.writable === true) client.write(Buffer.from(pending.slice(0, end), 'latin1'));
        pending = pending.slice(end);
      }
    });
    return socket;
  };
  const serve = (client: Socket): void => {
    let pending = '';
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('data', (piece: Buffer) => {
      pending += piece.toString('latin1');
      for (let end = findEnd(pending); end !== undefined; end = findEnd(pending)) {
        toUpstream({ bytes: pending.slice(0, end), client });
        pending = pending.slice(end);
      }
    });
  };
  const certificate = await createTestCertificate();
  const server = createServer(
    { cert: certificate.cert, key: certificate.key, ALPNProtocols: ['http/1.1'] },
    serve,
  );
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    ca: certificate.cert,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** Where the first message ends, as a careless reader sees it. */
function findEnd(text: string): number | undefined {
  const headEnd = /\r?\n\r?\n/.exec(text);
  if (headEnd === null) return undefined;
  const start = headEnd.index + headEnd[0].length;
  const lengths = [...text.slice(0, headEnd.index).matchAll(/content-length[^:]*:\s*(\d+)/gi)];
  const end = start + Number(lengths.at(-1)?.[1] ?? 0);
  return end <= text.length ? end : undefined;
}
