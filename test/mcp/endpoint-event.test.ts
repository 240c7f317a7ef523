import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEndpointRewriter, type RewriteEndpoint } from '../../src/mcp/endpoint-event.ts';

const toPublic: RewriteEndpoint = (uri) => `/public${uri}`;

/** Feeds the stream in chunks that end at the given offsets, overwriting each chunk afterwards as a socket does. */
function relay(stream: Buffer, cuts: readonly number[], rewrite: RewriteEndpoint = toPublic): string {
  const rewriter = createEndpointRewriter(rewrite);
  const ends = [...new Set([...cuts.filter((cut) => cut < stream.length), stream.length])].sort(
    (a, b) => a - b,
  );
  const parts: Buffer[] = [];
  let start = 0;
  for (const end of ends) {
    const chunk = Buffer.from(stream.subarray(start, end));
    parts.push(Buffer.from(rewriter.feed(chunk).bytes));
    chunk.fill(0x58);
    start = end;
  }
  parts.push(rewriter.finish());
  return Buffer.concat(parts).toString();
}

const everyByte = (stream: Buffer): number[] => Array.from({ length: stream.length }, (_, index) => index);

describe('createEndpointRewriter', () => {
  it.each([
    [
      'LF',
      'event: endpoint\ndata: /messages?s=1\n\nrest',
      'event: endpoint\ndata: /public/messages?s=1\n\nrest',
    ],
    ['CRLF', 'event: endpoint\r\ndata: /m\r\n\r\nrest', 'event: endpoint\r\ndata: /public/m\r\n\r\nrest'],
    ['CR', 'event: endpoint\rdata: /m\r\rrest', 'event: endpoint\rdata: /public/m\r\rrest'],
    ['no space', 'event:endpoint\ndata:/m\n\n', 'event:endpoint\ndata:/public/m\n\n'],
    ['data first', 'data: /m\nevent: endpoint\n\n', 'data: /public/m\nevent: endpoint\n\n'],
    [
      'comments and pings before',
      ': hi\n\n:\n\nevent: endpoint\ndata: /m\n\n',
      ': hi\n\n:\n\nevent: endpoint\ndata: /public/m\n\n',
    ],
    [
      'other fields',
      'retry: 5\nid: 1\nevent: endpoint\nfoo\ndata: /m\n: c\n\n',
      'retry: 5\nid: 1\nevent: endpoint\nfoo\ndata: /public/m\n: c\n\n',
    ],
    ['byte order mark', '\ufeffevent: endpoint\ndata: /m\n\n', '\ufeffevent: endpoint\ndata: /public/m\n\n'],
    [
      'byte order mark before data',
      '\ufeffdata: /m\nevent: endpoint\n\n',
      '\ufeffdata: /public/m\nevent: endpoint\n\n',
    ],
    [
      'an event without data before',
      'event: endpoint\n\nevent: endpoint\ndata: /m\n\n',
      'event: endpoint\n\nevent: endpoint\ndata: /public/m\n\n',
    ],
    [
      'only the first',
      'event: endpoint\ndata: /m\n\nevent: endpoint\ndata: /n\n\n',
      'event: endpoint\ndata: /public/m\n\nevent: endpoint\ndata: /n\n\n',
    ],
    ['beyond ASCII', 'event: endpoint\ndata: /é\n\n', 'event: endpoint\ndata: /public/é\n\n'],
  ])('rewrites the URI: %s', (_case, stream, expected) => {
    const bytes = Buffer.from(stream);
    expect(relay(bytes, [])).toBe(expected);
    expect(relay(bytes, everyByte(bytes))).toBe(expected);
  });

  it.each([
    ['a message', 'event: message\ndata: {}\n\nevent: endpoint\ndata: /m\n\n'],
    ['a message of no name', 'data: /m\n\nevent: endpoint\ndata: /m\n\n'],
    ['priming', 'id: 1\ndata: \n\nevent: endpoint\ndata: /m\n\n'],
    ['bare data', 'event: endpoint\ndata\n\n'],
    ['two data lines', 'event: endpoint\ndata: /m\ndata: /n\n\n'],
    ['another event name', 'event: endpoints\ndata: /m\n\n'],
    ['two spaces', 'event:  endpoint\ndata: /m\n\n'],
    ['the name in another case', 'event: Endpoint\ndata: /m\n\n'],
    ['a name that changes', 'event: endpoint\ndata: /m\nevent: message\n\n'],
    ['JSON', '{"jsonrpc":"2.0"}'],
    ['an end in the middle', 'event: endpoint\ndata: /m'],
    ['an end before the empty line', 'event: endpoint\ndata: /m\n'],
    ['nothing', ''],
  ])('leaves everything else: %s', (_case, stream) => {
    const bytes = Buffer.from(stream);
    const seen: string[] = [];
    const record: RewriteEndpoint = (uri) => {
      seen.push(uri);
      return toPublic(uri);
    };
    expect(relay(bytes, [], record)).toBe(stream);
    expect(relay(bytes, everyByte(bytes), record)).toBe(stream);
    expect(seen).toEqual([]);
  });

  it('passes the URI as the server wrote it', () => {
    const seen: string[] = [];
    const stream = Buffer.from('event: endpoint\ndata: http://127.0.0.1:8000/messages/?session_id=a%20b\n\n');
    relay(stream, everyByte(stream), (uri) => {
      seen.push(uri);
      return undefined;
    });
    expect(seen).toEqual(['http://127.0.0.1:8000/messages/?session_id=a%20b']);
  });

  it('holds back nothing but a value that may still be the URI', () => {
    const rewriter = createEndpointRewriter(toPublic);
    expect(rewriter.feed(Buffer.from(': ping\n\n')).bytes.toString()).toBe(': ping\n\n');
    expect(rewriter.feed(Buffer.from('event: endpoint\nda')).bytes.toString()).toBe('event: endpoint\nda');
    expect(rewriter.feed(Buffer.from('ta: /m')).bytes.toString()).toBe('ta:');
    expect(rewriter.feed(Buffer.from('\n')).bytes.toString()).toBe('');
    expect(rewriter.feed(Buffer.from('\nx'))).toEqual({ bytes: Buffer.from(' /public/m\n\nx'), done: true });
  });

  it('releases a message with its first byte', () => {
    const rewriter = createEndpointRewriter(toPublic);
    expect(rewriter.feed(Buffer.from('data: {'))).toEqual({ bytes: Buffer.from('data: {'), done: true });
    expect(createEndpointRewriter(toPublic).feed(Buffer.from('event: message\n'))).toMatchObject({
      done: true,
    });
  });

  it('slow-drip: gives up after 8 KiB and relays what it held', () => {
    const rewriter = createEndpointRewriter(toPublic);
    const start = Buffer.from('event: endpoint\ndata: ');
    const fill = Buffer.alloc(8192 - start.length, 0x61);
    expect(rewriter.feed(Buffer.concat([start, fill]))).toMatchObject({ done: false });
    expect(rewriter.feed(Buffer.from('b')).bytes.toString()).toBe(` ${fill.toString()}b`);
    expect(rewriter.feed(Buffer.from('\n\n'))).toEqual({ bytes: Buffer.from('\n\n'), done: true });
  });

  it('sse-injection: a URI with a line break in it is not written', () => {
    const stream = Buffer.from('event: endpoint\ndata: /m\n\n');
    for (const uri of ['/m\ndata: evil', '/m\revent: evil', '/m\0']) {
      expect(relay(stream, [], () => uri)).toBe(stream.toString());
    }
  });
});

describe('under any chunking', { timeout: 30_000 }, () => {
  const eol = fc.constantFrom('\n', '\r', '\r\n');
  const cuts = fc.array(fc.nat({ max: 120 }), { maxLength: 12 });
  const anyField = fc.constantFrom(
    'event: endpoint',
    'event: message',
    'data: /m',
    'data: {}',
    'data:',
    'id: 1',
    ': c',
    '',
  );
  const harmless = fc.constantFrom('id: 1', ': c', 'retry: 7', 'unknown', '');
  const toText = (lines: readonly (readonly [string, string])[]): string =>
    lines.map(([line, end]) => line + end).join('');
  const lines = (field: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
    fc.array(fc.tuple(field, eol), { maxLength }).map(toText);
  /** A stream whose first event is the endpoint, as servers send it, and then anything. */
  const announcing = fc
    .tuple(
      lines(harmless, 4),
      fc.shuffledSubarray(['event: endpoint', 'data: /m', ': c', 'id: 1'], { minLength: 4 }),
      eol,
      lines(anyField, 5),
    )
    .map(([before, event, end, after]) => [before, ...event.map((line) => line + end), end, after].join(''));

  it('any stream comes out the same however it is cut, and only the URI of a first endpoint event differs', () => {
    fc.assert(
      fc.property(fc.oneof(lines(anyField, 8), announcing), cuts, (text, offsets) => {
        const bytes = Buffer.from(text);
        const whole = relay(bytes, []);
        expect(relay(bytes, offsets)).toBe(whole);
        if (whole === text) return;
        expect(whole.replace('/public/m', '/m')).toBe(text);
        const events = readEvents(text);
        expect(events[0]).toEqual(['endpoint', '/m']);
        expect(readEvents(whole)).toEqual([['endpoint', '/public/m'], ...events.slice(1)]);
      }),
      { numRuns: 4000 },
    );
  });

  it('a client always sees the new URI of an endpoint event that comes first', () => {
    fc.assert(
      fc.property(announcing, cuts, (text, offsets) => {
        const events = readEvents(relay(Buffer.from(text), offsets));
        expect(events).toEqual([['endpoint', '/public/m'], ...readEvents(text).slice(1)]);
      }),
      { numRuns: 2000 },
    );
  });

  function readEvents(text: string): (readonly [string | undefined, string])[] {
    const events: (readonly [string | undefined, string])[] = [];
    const parser = createParser({ onEvent: ({ event, data }) => events.push([event, data]) });
    parser.feed(text);
    return events;
  }
});
