import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createTestCertificate } from '../../support/certificates.ts';
import { buildFrame, flags, frameTypes, preface, readFrames, type Field } from '../../support/h2-frames.ts';

/** Where a test would connect to the gateway. */
export interface LenientFront extends AsyncDisposable {
  readonly port: number;
  readonly ca: string;
}

/**
 * An HTTP/2 front that believes everything: no frame is ever wrong, and what stands in a field block is written
 * into an HTTP/1.1 request as it is. It shows that the cases are attacks.
 */
export async function startLenientFront(upstreamPort: number): Promise<LenientFront> {
  const { cert, key } = await createTestCertificate();
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => {
    keep(socket);
    socket.write(buildFrame('settings'));
    serve(socket, (request, done) => {
      const upstream = connect({ host: '127.0.0.1', port: upstreamPort });
      keep(upstream);
      upstream.write(request, 'latin1');
      upstream.once('data', () => {
        upstream.destroy();
        done();
      });
    });
  });
  server.on('tlsClientError', (_error, socket) => void socket.destroy());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    port,
    ca: cert,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

type Forward = (request: string, done: () => void) => void;

function serve(socket: TLSSocket, forward: Forward): void {
  let pending = Buffer.alloc(0);
  let block: Buffer = Buffer.alloc(0);
  const heads = new Map<number, string>();
  const answer = (stream: number): void => {
    // `:status: 200` from the static table.
    const payload = Buffer.from([0x88]);
    socket.write(buildFrame('headers', { flags: flags.endHeaders | flags.endStream, stream, payload }));
  };
  const finish = (stream: number, body: string): void => {
    const head = heads.get(stream) ?? '';
    if (head.startsWith('GET /healthz ')) answer(stream);
    else forward(`${head}\r\n${body}`, () => answer(stream));
  };
  let hasBegun = false;
  socket.on('data', (bytes: Buffer) => {
    if (!hasBegun) {
      hasBegun = true;
      // Whatever opens the connection is as good as the preface.
      if (!bytes.subarray(0, preface.length).equals(preface)) return;
      bytes = bytes.subarray(preface.length);
    }
    const read = readFrames(Buffer.concat([pending, bytes]));
    pending = Buffer.from(read.rest);
    for (const frame of read.frames) {
      const { stream, payload } = frame;
      switch (frame.type) {
        case frameTypes.headers:
        case frameTypes.continuation:
          block = frame.type === frameTypes.headers ? payload : Buffer.concat([block, payload]);
          if ((frame.flags & flags.endHeaders) === 0) break;
          heads.set(stream, toRequestHead(decodeLiterals(block)));
          if ((frame.flags & flags.endStream) !== 0) finish(stream, '');
          break;
        case frameTypes.data:
          if ((frame.flags & flags.endStream) !== 0) finish(stream, payload.toString('latin1'));
          break;
        case frameTypes.settings:
          if ((frame.flags & flags.ack) === 0) socket.write(buildFrame('settings', { flags: flags.ack }));
          break;
        case frameTypes.ping:
          if ((frame.flags & flags.ack) === 0)
            socket.write(buildFrame('ping', { flags: flags.ack, payload }));
      }
    }
  });
}

/** Reads literals without Huffman coding and leaves the rest out. */
function decodeLiterals(block: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readText = (): string => {
    let length = block[at++] ?? 0;
    if (length === 0x7f) {
      for (let shift = 0; ; shift += 7) {
        const byte = block[at++] ?? 0;
        length += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
    }
    at += length;
    return block.toString('latin1', at - length, at);
  };
  while (at < block.length) {
    const first = block[at++];
    if (first !== 0 && first !== 0x40) continue;
    const name = readText();
    fields.push([name, readText()]);
  }
  return fields;
}

function toRequestHead(fields: readonly Field[]): string {
  const pseudo = new Map(fields.filter(([name]) => name.startsWith(':')));
  const lines = fields
    .filter(([name]) => !name.startsWith(':'))
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `${pseudo.get(':method')} ${pseudo.get(':path')} HTTP/1.1\r\nhost: ${pseudo.get(':authority')}\r\n` +
    lines.join('')
  );
}
