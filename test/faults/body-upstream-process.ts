/**
 * A program: an upstream that reads bodies and remembers their digests, and answers with as many bytes as the query
 * asks for: `?bytes=N`, with a length or, with `&chunked`, without; `&trailer` adds one.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BodyState } from './body-upstream-protocol.ts';
import { buildPattern } from './pattern.ts';

const received: { bytes: number; digest: string }[] = [];

const server = createServer((request, response) => void serve(request, response));
server.listen(0, '127.0.0.1');
await once(server, 'listening');

process.on('message', () => {
  // `address()` is a string only for Unix sockets.
  process.send?.({ port: (server.address() as AddressInfo).port, received } satisfies BodyState);
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  // Chunks are buffers as long as no encoding is set.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  received.push({ bytes, digest: hash.digest('hex') });
  const query = new URL(request.url ?? '', 'http://localhost').searchParams;
  const length = Number(query.get('bytes') ?? 0);
  response.setHeader('content-type', 'application/octet-stream');
  if (query.has('trailer')) response.setHeader('trailer', 'x-checksum');
  if (!query.has('chunked')) response.setHeader('content-length', length);
  for (const piece of buildPattern(length)) {
    if (!response.write(piece)) await once(response, 'drain');
  }
  if (query.has('trailer')) response.addTrailers({ 'x-checksum': 'abc' });
  response.end();
}
