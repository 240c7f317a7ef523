import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** What Node's own parser made of a request head; the field names in lower case. */
export interface NodeRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

const seen: IncomingMessage[] = [];
const server = createServer({ maxHeaderSize: 128 * 1024 }, (request) => void seen.push(request));
server.on('clientError', () => undefined);

/** Feeds a head to the parser of `node:http`; `undefined` when it takes none or refuses it. */
export function parseWithNode(head: Buffer): NodeRequest | undefined {
  seen.length = 0;
  const socket = new Duplex({
    read() {
      // Input comes as events.
    },
    write: (_bytes, _encoding, done) => done(),
  });
  server.emit('connection', socket);
  // The parser runs inside the event, so no turn of the event loop has to be waited for.
  socket.emit('data', head);
  socket.destroy();
  const [request] = seen;
  if (request === undefined) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    fields.push([(request.rawHeaders[index] ?? '').toLowerCase(), request.rawHeaders[index + 1] ?? '']);
  }
  return { method: request.method, url: request.url, fields };
}
