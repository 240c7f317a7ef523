import { AsciiStrings } from '../lib/ascii-strings.ts';
import { isFieldValueByte, nameFlags, toNameFlags } from './grammar.ts';

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** Where field lines stand in `bytes`; `text` is the same range, `[base, end)`, decoded as latin1. */
export interface FieldRange {
  readonly bytes: Buffer;
  readonly text: string;
  /** Offset of `text` in `bytes`. */
  readonly base: number;
  readonly start: number;
  /** Offset just behind the empty line that ends the head. */
  readonly end: number;
}

/** Field names in lower case: some dozens make up nearly all that is ever sent. */
const names = new AsciiStrings((text) => text.toLowerCase());

export type FieldLinesProblem = 'malformed' | 'too-many';

/** Tool arguments in headers may be named with any token, and whoever stands between must pass them on (MCP 2026-07-28, Streamable HTTP). */
const PARAMETER_PREFIX = 'mcp-param-';

/**
 * Whether a server may take a field for another one: those that map names to variables (CGI, WSGI) turn every other
 * character into an underscore, as they do hyphens, and so cannot tell `x_real_ip` or `x.real.ip` from `x-real-ip`. This is
 * how identity headers are smuggled past a gateway (CVE-2025-64484). `name` is a token in lower case.
 */
export function isAmbiguousName(name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((toNameFlags(name.charCodeAt(index)) & nameFlags.exotic) !== 0)
      return !name.startsWith(PARAMETER_PREFIX);
  }
  return false;
}

/**
 * Reads `name: value` lines up to the empty line into `fields`, names in lower case, values without outer
 * white space (RFC 9112 section 5). Folding, bare CR or LF, NUL, white space around the name: malformed.
 * Fields with ambiguous names are left out where they are dropped: on the way to a server, not to a client.
 */
export function parseFieldLines(
  range: FieldRange,
  maxFields: number,
  fields: string[],
  ambiguous: 'dropped' | 'kept',
): FieldLinesProblem | undefined {
  const { bytes, text, base, end } = range;
  let at = range.start;
  let count = 0;
  while (bytes[at] !== CR) {
    const nameStart = at;
    let flags = 0;
    for (let more = toNameFlags(bytes[at] ?? 0); more !== 0; more = toNameFlags(bytes[++at] ?? 0))
      flags |= more;
    if (bytes[at] !== COLON || at === nameStart) return 'malformed';
    const nameEnd = at++;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    const valueStart = at;
    while (at < end && isFieldValueByte(bytes[at] ?? 0)) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'malformed';
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB))
      valueEnd--;
    at += 2;
    if (++count > maxFields) return 'too-many';
    const name = names.read(bytes, nameStart, nameEnd);
    if ((flags & nameFlags.exotic) === 0 || ambiguous === 'kept' || !isAmbiguousName(name))
      fields.push(name, text.slice(valueStart - base, valueEnd - base));
  }
  return bytes[at + 1] === LF && at + 2 === end ? undefined : 'malformed';
}

/** The lower-case members of a comma-separated list such as Connection; empty members are left out. */
export function parseTokenList(value: string): string[] {
  const members: string[] = [];
  for (const part of value.split(',')) {
    const member = trimBlanks(part).toLowerCase();
    if (member !== '') members.push(member);
  }
  return members;
}

/**
 * Without outer spaces and tabs; not `trim`, which takes a no-break space for white space too. A pattern for blanks before an end tries
 * each run of them anew from each of its places: a head of blanks would hold up everybody for its length squared.
 */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** A Content-Length value: digits only, at most 15 so that it stays an exact number. */
export function parseContentLength(value: string): number | undefined {
  if (value.length === 0 || value.length > 15) return undefined;
  let length = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}

/** Whether a head under way already holds a line feed of its own, so that it need not be waited for to be refused. */
export function hasBareLineFeed(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) return true;
  }
  return false;
}
