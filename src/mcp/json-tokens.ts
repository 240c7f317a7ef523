import { AsciiStrings } from '../lib/ascii-strings.ts';
import { QUOTE } from './json-bytes.ts';

/**
 * The lexical level of JSON (RFC 8259 sections 2, 3, 6 and 7), byte by byte and without allocation. The text
 * must be valid UTF-8 and shorter than 1 GiB. Reading past the end yields NUL, which no token may hold.
 */

const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;

/** Flags of a string: it holds an escape; it holds a byte outside ASCII. */
const ESCAPED = 1;
const WIDE_BYTES = 2;

/** Types of JSON values. A string is `string` plus its flags, so that everything from `string` on is one. */
export const tokenKind = {
  absent: 0,
  number: 1,
  object: 2,
  array: 3,
  boolean: 4,
  null: 5,
  string: 8,
} as const;

/** Where a value or key stands in the text, quotes included. One is reused for a whole scan. */
export interface Token {
  text: Buffer;
  kind: number;
  start: number;
  end: number;
}

const PLAIN = 0;
const WIDE = 1;
const ENDS_RUN = 2;

/** Plain bytes in a row after which a string is taken for a long one. */
const LONG_STRING = 64;

const stringClasses = buildStringClasses();
const escapeBytes = buildEscapeBytes();

function buildStringClasses(): Uint8Array {
  const table = new Uint8Array(256).fill(PLAIN);
  table.fill(ENDS_RUN, 0, 0x20);
  table.fill(WIDE, 0x80);
  table[QUOTE] = ENDS_RUN;
  table[BACKSLASH] = ENDS_RUN;
  return table;
}

function buildEscapeBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of '"\\/bfnrtu') table[character.charCodeAt(0)] = 1;
  return table;
}

/** The offset of the first byte at or after `at` that is not JSON white space. */
export function skipSpace(text: Buffer, at: number): number {
  let index = at;
  for (;;) {
    const byte = text[index] ?? 0;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return index;
    index++;
  }
}

/**
 * Reads the string whose opening quote is at `at`. Returns the offset behind its closing quote times four
 * plus its flags, or -1 when it is not a JSON string.
 */
export function scanString(text: Buffer, at: number): number {
  let index = at + 1;
  let flags = 0;
  let longFrom = index + LONG_STRING;
  for (;;) {
    const byte = text[index] ?? 0;
    const kind = stringClasses[byte];
    if (kind === PLAIN) {
      index++;
      if (index !== longFrom) continue;
      index = skipPlainWords(text, index);
      longFrom = index + LONG_STRING;
    } else if (kind === WIDE) {
      flags |= WIDE_BYTES;
      index++;
    } else if (byte === QUOTE) {
      return (index + 1) * 4 + flags;
    } else if (byte === BACKSLASH) {
      const escape = text[index + 1] ?? 0;
      if (escapeBytes[escape] !== 1) return -1;
      if (escape === LETTER_U) {
        if (!isHex(text, index + 2)) return -1;
        index += 6;
      } else index += 2;
      flags |= ESCAPED;
    } else return -1;
  }
}

/**
 * Skips plain ASCII of a long string four bytes at a time, which is most of what a large message consists of. A byte that is
 * below 0x20, a quote, a backslash or not ASCII sets the high bit of its place in one of the differences (Bit Twiddling
 * Hacks, "Determine if a word has a byte less than n").
 */
function skipPlainWords(text: Buffer, at: number): number {
  const { buffer, byteOffset } = text;
  const last = (byteOffset + text.length) >> 2;
  let index = (byteOffset + at + 3) >> 2;
  if (index >= last) return at;
  const aligned = (index << 2) - byteOffset;
  for (let byte = at; byte < aligned; byte++) if (stringClasses[text[byte] ?? 0] !== PLAIN) return byte;
  const words = new Int32Array(buffer, 0, last);
  for (; index < last; index++) {
    const word = words[index] ?? 0;
    const quotes = word ^ 0x22222222;
    const backslashes = word ^ 0x5c5c5c5c;
    const found =
      word |
      (word - 0x20202020) |
      ((quotes - 0x01010101) & ~quotes) |
      ((backslashes - 0x01010101) & ~backslashes);
    if ((found & 0x80808080) !== 0) break;
  }
  return (index << 2) - byteOffset;
}

function isHex(text: Buffer, at: number): boolean {
  for (let index = at; index < at + 4; index++) {
    const byte = text[index] ?? 0;
    const letter = byte | 0x20;
    if (!((byte >= ZERO && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66))) return false;
  }
  return true;
}

/** The offset behind the number that starts at `at`, or -1 when it is not a JSON number. */
export function scanNumber(text: Buffer, at: number): number {
  let index = text[at] === MINUS ? at + 1 : at;
  if (text[index] === ZERO) index++;
  else {
    const integer = skipDigits(text, index);
    if (integer === index) return -1;
    index = integer;
  }
  if (text[index] === DOT) {
    const fraction = skipDigits(text, index + 1);
    if (fraction === index + 1) return -1;
    index = fraction;
  }
  if (((text[index] ?? 0) | 0x20) === 0x65) {
    const sign = text[index + 1];
    const digits = sign === MINUS || sign === 0x2b ? index + 2 : index + 1;
    const exponent = skipDigits(text, digits);
    if (exponent === digits) return -1;
    index = exponent;
  }
  return index;
}

function skipDigits(text: Buffer, at: number): number {
  let index = at;
  for (;;) {
    const byte = text[index] ?? 0;
    if (byte < ZERO || byte > 0x39) return index;
    index++;
  }
}

const literals: readonly Buffer[] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')];

/** The offset behind `true`, `false` or `null` at `at`, or -1. */
export function scanLiteral(text: Buffer, at: number): number {
  for (const literal of literals) {
    if (text[at] !== literal[0]) continue;
    const end = at + literal.length;
    for (let index = at + 1; index < end; index++) if (text[index] !== literal[index - at]) return -1;
    return end;
  }
  return -1;
}

/** Methods and names of tools are few. */
const asciiStrings = new AsciiStrings();

/** The meaning of a string token. */
export function decodeString(token: Token): string {
  const { text, kind, start, end } = token;
  if (kind === tokenKind.string) return asciiStrings.read(text, start + 1, end - 1);
  if ((kind & ESCAPED) === 0) return text.toString('utf8', start + 1, end - 1);
  // A JSON string literal that was scanned is always a string to JSON.parse.
  return JSON.parse(text.toString('utf8', start, end)) as string;
}
