import { createParser } from 'eventsource-parser';
import { ListEventStream, type FilteredChunk } from '../../../src/mcp/list-event-stream.ts';
import type { ListFilter } from '../../../src/mcp/list-filter.ts';
import { filterParsed } from '../../mcp/list-oracle.ts';
import { cut, cuttings, type Cutting } from '../pieces.ts';
import type { Random } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

/** What a filter of streams does, for a broken one to take its place. */
export interface ListEvents {
  feed(chunk: Buffer): FilteredChunk;
}

const isShown = (name: string): boolean => name !== 'b';
const filter: ListFilter = { isShown: (_kind, name) => isShown(name), makePrivate: false };

/** The filter of lists in event streams: no client reads a hidden name, and reads everything else, whatever the pieces. */
export function createListEventsTarget(
  create: (filter: ListFilter) => ListEvents = (given) => new ListEventStream(given),
): FuzzTarget {
  return {
    name: 'list-events',
    seeds: [
      'event: message\r\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}\r\n\r\n',
      ': hi\n\ndata: {"id":1,\ndata: "result":{"resources":[{"uri":"b"}]}}\n\n',
    ],
    tokens: [
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'data: ',
      'data:',
      'data',
      'event: other\n',
      'id: 1\n',
      '\xef\xbb\xbf',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"tools":[{"name":"b"}]',
      '"Tools":[{"name":"b"}]',
      '"result":{"tools":[{"name":"b"}]}',
      '{"name":"b"}',
      '{"n\\u0061me":"\\u0062"}',
      '"name":"a"',
      'null',
      '\xff',
    ],
    generate: buildStream,
    maxBytes: 500,
    check(input) {
      const whole = play(create(filter), { input, cutting: 'whole' });
      for (const cutting of cuttings) {
        const seen = play(create(filter), { input, cutting });
        hold(
          seen.bytes.equals(whole.bytes) && seen.refused === whole.refused,
          'the pieces do not matter',
          () => [cutting, input.toString('latin1'), seen.bytes.toString('latin1')],
        );
      }
      return checkEvents(input, whole);
    },
  };
}

const byteOrderMark = Buffer.from('\ufeff');

interface Played {
  readonly bytes: Buffer;
  readonly refused: FilteredChunk['refused'];
}

function play(events: ListEvents, { input, cutting }: { input: Buffer; cutting: Cutting }): Played {
  const output: Buffer[] = [];
  for (const piece of cut(input, cutting)) {
    // The gateway reads each piece into the same memory.
    const shared = Buffer.from(piece);
    const { bytes, refused } = events.feed(shared);
    output.push(Buffer.from(bytes));
    shared.fill(0);
    if (refused !== undefined) return { bytes: Buffer.concat(output), refused };
  }
  return { bytes: Buffer.concat(output), refused: undefined };
}

function checkEvents(input: Buffer, { bytes, refused }: Played): string {
  const before = readData(input);
  const after = readData(bytes);
  const show = (): unknown => ({
    input: input.toString('latin1'),
    output: bytes.toString('latin1'),
    refused,
  });
  // To a reader that keeps to the standard an event behind a byte order mark may be none, and the stream ends at it all the same.
  const isAtMark = refused === 'ambiguous' && input.indexOf(byteOrderMark, 1) > 0;
  const isWhole =
    refused === undefined
      ? before.length === after.length
      : before.length > after.length || (isAtMark && before.length === after.length);
  hold(isWhole, 'no event is lost', show);
  let filtered = 0;
  for (const [index, text] of after.entries()) {
    const expected = before[index] ?? '';
    if (text !== expected) filtered++;
    const value = parse(text);
    hold((value === undefined) === (parse(expected) === undefined), 'what was JSON stays JSON', show);
    const kept = JSON.stringify(filterParsed(parse(expected), isShown));
    hold(
      value === undefined ? text === expected : JSON.stringify(value) === kept,
      'only hidden entries go',
      show,
    );
  }
  return `${Math.min(before.length, 3)} events, ${Math.min(filtered, 3)} filtered, ${refused ?? 'none'} refused`;
}

function readData(bytes: Buffer): string[] {
  const found: string[] = [];
  createParser({ onEvent: ({ data }) => found.push(data) }).feed(bytes.toString());
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function buildStream(random: Random): string {
  const end = random.pick(['\n', '\r\n', '\r']);
  const events = Array.from({ length: 1 + random.below(3) }, () => buildEvent(random, end));
  return `${random.oneIn(8) ? '\xef\xbb\xbf' : ''}${events.join('')}`;
}

function buildEvent(random: Random, end: string): string {
  const [list, key] = random.pick([
    ['tools', 'name'],
    ['prompts', 'name'],
    ['resources', 'uri'],
    ['resourceTemplates', 'uriTemplate'],
  ]);
  const entries = Array.from({ length: random.below(4) }, () => {
    const name = random.pick(['a', 'b', '\\u0062', 'c', '\xc3\xa9']);
    return random.oneIn(12) ? '5' : `{"${key}":"${name}"${random.oneIn(4) ? ',"title":"b"' : ''}}`;
  });
  const separator = random.oneIn(4) ? `,${end}data: ` : ',';
  const text = `{"jsonrpc":"2.0","id":1,"result":{"${list}":[${entries.join(separator)}]}}`;
  const fields = [
    random.pick(['event: message', 'id: 1', ': hi', 'event: other', 'retry: 1']),
    `data: ${text}`,
  ];
  return `${fields.slice(random.below(2)).join(end)}${end}${end}`;
}
