import { byteOrderMark, hasByteOrderMark } from './byte-order-mark.ts';
import { filterList, type FilteredList, type ListFilter } from './list-filter.ts';

const CR = 0x0d;
const LF = 0x0a;

/** One line of an event: where it stands, with its end, and its field. */
interface Line {
  readonly start: number;
  /** Where its line end begins, and where the next line does. */
  readonly textEnd: number;
  readonly end: number;
  readonly field: string;
  readonly valueStart: number;
}

/**
 * Filters the message in one whole event of a stream (WHATWG HTML, server-sent events; lines end in CR, LF or CRLF), as
 * `filterList` does. The lines of `data` count as one text; where anything is taken out they are written anew, in the place of
 * the first, and all other lines stay. An event of a type that MCP does not have passes when it is plain text. Whether the event is the
 * first of its stream decides what a byte order mark before it is.
 */
export function filterListEvent(event: Buffer, filter: ListFilter, beginsStream = true): FilteredList {
  const hasMark = hasByteOrderMark(event);
  // byte-order-mark: behind the beginning of a stream it makes a field that nobody knows, to readers that keep to the standard alone.
  if (hasMark && !beginsStream) return { kind: 'unreadable', reason: 'ambiguous' };
  const lines = readLines(event, hasMark ? byteOrderMark.length : 0);
  const data = lines.filter(({ field }) => field === 'data');
  const [first] = data;
  if (first === undefined) return { kind: 'unchanged' };
  const text = Buffer.concat(
    data.flatMap(({ valueStart, textEnd }, index) => {
      const value = event.subarray(valueStart, textEnd);
      return index === 0 ? [value] : [lineFeed, value];
    }),
  );
  // An event without data primes a stream for resumption (2025-11-25, Resumability).
  if (text.length === 0) return { kind: 'unchanged' };
  const result = filterList(text, filter);
  if (result.kind === 'unchanged') return result;
  if (result.kind === 'unreadable') {
    const isText = result.reason === 'not-json' && !/^\s*[[{]/.test(text.toString('latin1'));
    return isText && !isMessage(event, lines) ? { kind: 'unchanged' } : result;
  }
  const bytes = lines.flatMap((line) => {
    if (line === first) return toDataLines(result.bytes, event.subarray(line.textEnd, line.end));
    return line.field === 'data' ? [] : [event.subarray(line.start, line.end)];
  });
  const mark = event.subarray(0, lines[0]?.start ?? 0);
  return { ...result, bytes: Buffer.concat([mark, ...bytes]) };
}

const lineFeed = Buffer.from('\n');

/** The last type counts; none is `message`, as is an empty one. */
function isMessage(event: Buffer, lines: readonly Line[]): boolean {
  const type = lines.findLast(({ field }) => field === 'event');
  if (type === undefined) return true;
  const name = event.toString('utf8', type.valueStart, type.textEnd);
  return name === '' || name === 'message';
}

/** With a blank, because a text line that begins with one would lose it. */
function toDataLines(text: Buffer, lineEnd: Buffer): Buffer[] {
  const end = lineEnd.length === 0 ? lineFeed : lineEnd;
  return text
    .toString()
    .split('\n')
    .flatMap((line) => [Buffer.from(`data: ${line}`), end]);
}

function readLines(event: Buffer, from: number): Line[] {
  const lines: Line[] = [];
  let start = from;
  while (start < event.length) {
    let textEnd = start;
    while (textEnd < event.length && event[textEnd] !== CR && event[textEnd] !== LF) textEnd++;
    const isPair = event[textEnd] === CR && event[textEnd + 1] === LF;
    const end = Math.min(event.length, textEnd + (isPair ? 2 : 1));
    lines.push(toLine(event, { start, textEnd, end }));
    start = end;
  }
  return lines;
}

function toLine(event: Buffer, place: { start: number; textEnd: number; end: number }): Line {
  const { start, textEnd } = place;
  const colon = event.subarray(start, textEnd).indexOf(':');
  const nameEnd = colon === -1 ? textEnd : start + colon;
  // A line without colon is a field without value; one blank behind a colon is no part of the value.
  const afterColon = Math.min(textEnd, nameEnd + 1);
  const hasBlank = afterColon < textEnd && event[afterColon] === 0x20;
  return {
    ...place,
    field: event.toString('latin1', start, nameEnd),
    valueStart: hasBlank ? afterColon + 1 : afterColon,
  };
}
