import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterListEvent } from '../../src/mcp/list-event.ts';
import { ListEventStream } from '../../src/mcp/list-event-stream.ts';
import { MAX_LIST_BYTES, type ListFilter } from '../../src/mcp/list-filter.ts';

const filter: ListFilter = { isShown: (_kind, name) => name !== 'b', makePrivate: false };

function run(event: string): string {
  const bytes = Buffer.from(event);
  const result = filterListEvent(bytes, filter);
  if (result.kind === 'unreadable') return `unreadable: ${result.reason}`;
  return (result.kind === 'filtered' ? result.bytes : bytes).toString();
}

const toMessage = (...names: string[]): string =>
  `{"jsonrpc":"2.0","id":1,"result":{"tools":[${names.map((name) => `{"name":"${name}"}`).join(',')}]}}`;
const both = toMessage('a', 'b');
const one = toMessage('a');

describe('filterListEvent', () => {
  it.each([
    ['LF', `event: message\ndata: ${both}\n\n`, `event: message\ndata: ${one}\n\n`],
    ['CRLF', `event: message\r\ndata: ${both}\r\n\r\n`, `event: message\r\ndata: ${one}\r\n\r\n`],
    ['CR', `event: message\rdata: ${both}\r\r`, `event: message\rdata: ${one}\r\r`],
    ['no blank', `data:${both}\n\n`, `data: ${one}\n\n`],
    [
      'other fields',
      `id: 7\nretry: 1\ndata: ${both}\n: b\nx\n\n`,
      `id: 7\nretry: 1\ndata: ${one}\n: b\nx\n\n`,
    ],
    ['byte order mark', `\ufeffdata: ${both}\n\n`, `\ufeffdata: ${one}\n\n`],
    ['the second half of a CRLF before it', `\ndata: ${both}\n\n`, `\ndata: ${one}\n\n`],
    ['no end', `data: ${both}`, `data: ${one}\n`],
  ])('takes entries out: %s', (_case, event, expected) => {
    expect(run(event)).toBe(expected);
  });

  it('takes lines of data as one text, wherever they stand', () => {
    const lines = both
      .split(',')
      .map((part, index, parts) => `data: ${part}${index < parts.length - 1 ? ',' : ''}\r\n`);
    expect(lines.length).toBeGreaterThan(3);
    const event = `${lines[0]}id: 1\r\n${lines.slice(1).join('')}\r\n`;
    const kept = run(event);
    expect(kept).toMatch(/^data: .*\r\n(data: .*\r\n)+id: 1\r\n\r\n$/);
    expect(JSON.parse(readEvents(kept)[0]?.data ?? '')).toEqual(JSON.parse(one));
    expect(run(`data: {"result":{"tools":[\ndata:\ndata\ndata:  {"name":"a"},{"name":"b"}]}}\n\n`)).toBe(
      'data: {"result":{"tools":[\ndata: \ndata: \ndata:  {"name":"a"}]}}\n\n',
    );
  });

  it.each([
    ['nothing to take out', `data: ${one}\r\n\r\n`],
    ['a comment', ': data: b\n\n'],
    ['an event that primes', 'id: 1\ndata:\n\n'],
    ['no data', 'event: message\n\n'],
    ['an endpoint', 'event: endpoint\ndata: /messages?b\n\n'],
    ['a type that MCP does not have', 'event: ping\ndata: b\n\n'],
    ['a field in another letter case', `Data: ${both}\n\n`],
    ['nothing', ''],
  ])('leaves %s as it is', (_case, event) => {
    expect(run(event)).toBe(event);
  });

  it.each([
    ['not-json', 'data: b\n\n'],
    ['not-json', 'event: message\ndata: {\n\n'],
    ['not-json', 'event\ndata: {\n\n'],
    ['not-json', 'event: endpoint\nevent: message\ndata: {\n\n'],
    ['not-json', `data: ${both}\ndata: ${one}\n\n`],
    ['ambiguous', `data: ${both.replace('}]', '}],"Tools":[]')}\n\n`],
    // A list in an event of another type can be read all the same.
    ['ambiguous', `event: other\ndata: ${both.replace('}]', '}],"Tools":[]')}\n\n`],
    ['not-json', `event: other\ndata:  ${both.slice(0, -1)}\n\n`],
  ])('name-leak: refuses what is %s: %j', (reason, event) => {
    expect(run(event)).toBe(`unreadable: ${reason}`);
  });

  it('filters a list whatever the type', () => {
    expect(run(`event: other\ndata: ${both}\n\n`)).toBe(`event: other\ndata: ${one}\n\n`);
  });
});

interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

function readEvents(stream: string): ReadEvent[] {
  const events: ReadEvent[] = [];
  const parser = createParser({ onEvent: ({ id, event, data }) => events.push({ id, event, data }) });
  parser.feed(stream);
  return events;
}

/** Feeds the stream in chunks that end at the given offsets, overwriting each chunk afterwards as a socket does. */
function relay(
  stream: Buffer,
  cuts: readonly number[],
): { readonly text: string; readonly refused: string | undefined } {
  const events = new ListEventStream(filter);
  const ends = [...new Set([...cuts.filter((cut) => cut < stream.length), stream.length])].sort(
    (x, y) => x - y,
  );
  const parts: Buffer[] = [];
  let start = 0;
  for (const end of ends) {
    const chunk = Buffer.from(stream.subarray(start, end));
    const { bytes, refused } = events.feed(chunk);
    parts.push(Buffer.from(bytes));
    chunk.fill(0x58);
    start = end;
    if (refused !== undefined) return { text: Buffer.concat(parts).toString(), refused };
  }
  return { text: Buffer.concat(parts).toString(), refused: undefined };
}

describe('ListEventStream', () => {
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
  const event = fc
    .record({
      end: lineEnd,
      fields: fc.array(fc.constantFrom('id: 7', ': hi', 'event: message', 'retry: 5', 'event'), {
        maxLength: 2,
      }),
      data: fc.constantFrom(both, one, toMessage('b'), toMessage(), '{"method":"x"}', ''),
    })
    .map(({ end, fields, data }) => {
      const lines = [...fields, ...(data === '' ? [] : [`data: ${data}`]), ''];
      return lines.map((line) => line + end).join('');
    });
  const stream = fc
    .tuple(fc.constantFrom('', '\ufeff'), fc.array(event, { maxLength: 6 }))
    .map(([mark, events]) => Buffer.from(mark + events.join('')));

  it('gives what a client reads of the stream, without the entries, however it is cut', () => {
    let filtered = 0;
    fc.assert(
      fc.property(stream, fc.array(fc.nat({ max: 400 }), { maxLength: 12 }), (bytes, cuts) => {
        const { text, refused } = relay(bytes, cuts);
        expect(refused).toBeUndefined();
        const expected = readEvents(bytes.toString()).map((read) => ({
          ...read,
          data: read.data.replace(',{"name":"b"}', '').replace('{"name":"b"}', ''),
        }));
        if (text.length < bytes.length) filtered++;
        expect(readEvents(text)).toEqual(expected);
      }),
      { numRuns: 4000 },
    );
    expect(filtered).toBeGreaterThan(1000);
  });

  it('byte-order-mark: behind the first event it could make another message to a lenient reader, and ends the stream', () => {
    const events = new ListEventStream(filter);
    const { bytes, refused } = events.feed(Buffer.from(`data: ${one}\n\n\ufeffdata: ${both}\n\n`));
    expect(bytes.toString()).toBe(`data: ${one}\n\n`);
    expect(refused).toBe('ambiguous');
  });

  it('holds an event until it is whole, and passes whole ones at once', () => {
    const events = new ListEventStream(filter);
    expect(events.feed(Buffer.from(`: hi\n\ndata: ${one}\n`)).bytes.toString()).toBe(': hi\n\n');
    expect(events.feed(Buffer.from('\n')).bytes.toString()).toBe(`data: ${one}\n\n`);
    // Clients wait for the LF behind a CR, and must not have to wait for the next event.
    expect(events.feed(Buffer.from(`data: ${one}\r\n\r\n`)).bytes.toString()).toBe(`data: ${one}\r\n\r\n`);
    expect(events.feed(Buffer.from('\r')).bytes.toString()).toBe('\r');
    expect(events.feed(Buffer.from('\n: hi')).bytes.toString()).toBe('\n');
  });

  it('name-leak: never passes what follows the last empty line', () => {
    expect(relay(Buffer.from(`: hi\n\ndata: ${both}\n`), [5, 20])).toEqual({
      text: ': hi\n\n',
      refused: undefined,
    });
  });

  it('name-leak: says where the stream has to end', () => {
    const bytes = Buffer.from(`data: ${both}\n\ndata: b\n\ndata: ${one}\n\n`);
    expect(relay(bytes, [])).toEqual({ text: `data: ${one}\n\n`, refused: 'not-json' });
  });

  it('memory-exhaustion: refuses an event without end', () => {
    const events = new ListEventStream(filter);
    const chunk = Buffer.alloc(1024 * 1024, 0x61);
    let fed = 0;
    while (events.feed(chunk).refused === undefined) fed += chunk.length;
    expect(fed).toBe(MAX_LIST_BYTES);
    const whole = Buffer.concat([Buffer.alloc(MAX_LIST_BYTES, 0x61), Buffer.from('\n\n')]);
    expect(new ListEventStream(filter).feed(whole).refused).toBe('too-long');
  });
});
