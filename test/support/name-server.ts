import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** A name server on an address of this machine (RFC 1035 section 4.1). */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
  /** Names that were asked for, once for each question. */
  readonly asked: readonly string[];
}

const typeA = 1;
const typeAaaa = 28;

/** Starts one that knows the addresses of some names, IPv6 in groups that are all written out; of others it is silent. */
export async function startNameServer(
  known: Readonly<Record<string, readonly string[]>>,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<NameServer> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, end } = readName(query);
    asked.push(name);
    const addresses = known[name];
    if (addresses === undefined) return;
    const type = query.readUInt16BE(end);
    const found = addresses.filter((address) => type === (isIPv6(address) ? typeAaaa : typeA));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x81_80, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(found.length, 6);
    const question = query.subarray(12, end + 4);
    const records = found.map((address) => buildRecord(query.subarray(end, end + 4), toBytes(address)));
    socket.send(Buffer.concat([head, question, ...records]), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  return {
    port: socket.address().port,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

/** A pointer to the name of the question, its type and class, 60 seconds, and the address. */
function buildRecord(typeAndClass: Buffer, address: Buffer): Buffer {
  const length = Buffer.from([0, address.length]);
  return Buffer.concat([
    Buffer.from('c00c', 'hex'),
    typeAndClass,
    Buffer.from('0000003c', 'hex'),
    length,
    address,
  ]);
}

function toBytes(address: string): Buffer {
  return isIPv6(address)
    ? Buffer.from(address.replaceAll(':', ''), 'hex')
    : Buffer.from(address.split('.').map(Number));
}

/** The name of the only question, and where its type stands. */
function readName(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}
