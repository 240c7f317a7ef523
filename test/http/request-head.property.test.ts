import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequestHead } from '../../src/http/request-head.ts';

const limits = { fields: 100, urlBytes: 4096 };

/** Feeds bytes to Node's own parser and tells what it made of them. */
function parseWithNode(bytes: Buffer): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const server: Server = createServer((request) => resolve(request));
    server.on('clientError', () => resolve(undefined));
    server.on('connect', () => resolve(undefined));
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    server.emit('connection', socket);
    socket.push(bytes);
    setImmediate(() => {
      resolve(undefined);
      socket.destroy();
    });
  });
}

const token = fc.constantFrom(
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'POST',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'PUT',
  'get',
  'FOO',
  'CONNECT',
);
const target = fc.oneof(
  fc.constantFrom('/mcp', '/mcp?x=1'),
  fc.constantFrom('/mcp', '/', '/a-b_c~d'),
  fc.constantFrom('/mcp', '/mcp?x=1', '/', '*', '/a//b', '/%2e', '/a#b', 'http://a/', '/a b', '/;x'),
  fc.string({ maxLength: 12 }).map((text) => `/${text}`),
);
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'http/1.1');
const fieldName = fc.constantFrom(
  'X-A',
  'accept',
  'Connection',
  'Content-Length',
  'Transfer-Encoding',
  'Host',
  'Expect',
  'X_B',
);
const fieldValue = fc.oneof(
  fc.constantFrom(
    'chunked',
    '0',
    '5',
    '+5',
    'close',
    'a',
    'a, b',
    '100-continue',
    ' padded ',
    'x\r\n y',
    'a\nb',
    'a\0b',
  ),
  fc.string({ maxLength: 8 }),
);
const separator = fc.constantFrom(': ', ':', ':\t', ' : ');
const line = fc
  .tuple(fieldName, separator, fieldValue, fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'))
  .map((parts) => parts.join(''));
const headText = fc
  .tuple(token, target, version, fc.array(line, { maxLength: 3 }))
  .map(([method, path, proto, lines]) => `${method} ${path} ${proto}\r\nHost: a\r\n${lines.join('')}\r\n`);

describe('the head parser beside Node', () => {
  it('accepts nothing that Node refuses, and with the same meaning', async () => {
    let acceptedCount = 0;
    await fc.assert(
      fc.asyncProperty(headText, async (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const end = bytes.indexOf('\r\n\r\n') + 4;
        const ours = parseRequestHead(bytes, 0, end, limits);
        if (!ours.ok) return;
        acceptedCount++;
        const theirs = await parseWithNode(bytes.subarray(0, end));
        expect(theirs, text).toBeDefined();
        if (theirs === undefined) return;
        expect(theirs.method).toBe(ours.value.method);
        expect(theirs.url).toBe(`${ours.value.path}${ours.value.query}`);
        expect(theirs.headers.host?.toLowerCase()).toBe(ours.value.authority);
        const { framing } = ours.value;
        expect(theirs.headers['transfer-encoding'] !== undefined).toBe(framing.kind === 'chunked');
        expect(Number(theirs.headers['content-length'] ?? 0)).toBe(
          framing.kind === 'length' ? framing.length : 0,
        );
        for (let index = 0; index < ours.value.fields.length; index += 2) {
          const values = theirs.headersDistinct[ours.value.fields[index] ?? ''];
          expect(values).toContain(ours.value.fields[index + 1]);
        }
      }),
      { numRuns: 10_000 },
    );
    // Without enough accepted heads the comparison would say nothing.
    expect(acceptedCount).toBeGreaterThan(500);
  });

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
        const bytes = Buffer.concat([Buffer.from(raw), Buffer.from('\r\n\r\n')]);
        expect(() => parseRequestHead(bytes, 0, bytes.length, limits)).not.toThrow();
      }),
      { numRuns: 5000 },
    );
  });
});
