/**
 * Byte classes of HTTP (RFC 9110 section 5.6, RFC 9112, RFC 3986), as look-up tables so that a parser
 * visits each byte once.
 */

const TOKEN = 1;
const FIELD_VALUE = 2;
const TARGET = 4;
const HOST = 8;
const HEX = 16;
const EXOTIC = 32;

const classes = buildClasses();

function buildClasses(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (characters: string, flag: number): void => {
    for (const character of characters) {
      const byte = character.charCodeAt(0);
      table[byte] = (table[byte] ?? 0) | flag;
    }
  };
  const digits = '0123456789';
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  mark(digits + letters + '-', TOKEN);
  mark("!#$%&'*+.^_`|~", TOKEN | EXOTIC);
  // pchar, "/", "?" of RFC 3986; no fragment, no quote, bracket, brace, backslash or caret that servers read differently.
  mark(digits + letters + "-._~!$&'()*+,;=:@/?%", TARGET);
  mark(digits + letters + '-._', HOST);
  mark(digits + 'abcdefABCDEF', HEX);
  table[0x09] = FIELD_VALUE;
  for (let byte = 0x20; byte < 256; byte++) if (byte !== 0x7f) table[byte] = (table[byte] ?? 0) | FIELD_VALUE;
  return table;
}

/** `tchar` of RFC 9110 section 5.6.2. */
export function isTokenByte(byte: number): boolean {
  return ((classes[byte] ?? 0) & TOKEN) !== 0;
}

/** Flags of a name's bytes: it has a byte that some servers read as another. */
export const nameFlags: { readonly exotic: number } = { exotic: EXOTIC };

/** What a token byte adds to the flags of its name; 0 for a byte that is no token, else at least one flag. */
export function toNameFlags(byte: number): number {
  return (classes[byte] ?? 0) & (TOKEN | EXOTIC);
}

/** `field-vchar`, obs-text, space and tab: everything a field value may hold, which excludes CR, LF and NUL. */
export function isFieldValueByte(byte: number): boolean {
  return ((classes[byte] ?? 0) & FIELD_VALUE) !== 0;
}

/** A byte of an origin-form target. */
export function isTargetByte(byte: number): boolean {
  return ((classes[byte] ?? 0) & TARGET) !== 0;
}

export function isHexByte(byte: number): boolean {
  return ((classes[byte] ?? 0) & HEX) !== 0;
}

/**
 * Reads a Host or :authority value: a name, an IPv4 address or a bracketed IPv6 address, with an optional
 * port. Returns it in lower case, or `undefined` for anything else (user info, path, list, empty).
 */
export function parseAuthority(value: string): string | undefined {
  let index = 0;
  if (value.charCodeAt(0) === 0x5b) {
    const close = value.indexOf(']');
    if (close < 3) return undefined;
    for (index = 1; index < close; index++) {
      const byte = value.charCodeAt(index);
      if (!isHexByte(byte) && byte !== 0x3a && byte !== 0x2e) return undefined;
    }
    index = close + 1;
  } else {
    while (index < value.length && ((classes[value.charCodeAt(index)] ?? 0) & HOST) !== 0) index++;
    if (index === 0) return undefined;
  }
  if (index < value.length) {
    const digits = value.length - index - 1;
    if (value.charCodeAt(index) !== 0x3a || digits < 1 || digits > 5) return undefined;
    for (let at = index + 1; at < value.length; at++) {
      const byte = value.charCodeAt(at);
      if (byte < 0x30 || byte > 0x39) return undefined;
    }
  }
  return value.toLowerCase();
}

/** A valid authority without its port; an IPv6 address keeps its brackets. */
export function toHostOnly(authority: string): string {
  const portStart = authority.lastIndexOf(':');
  return portStart > authority.lastIndexOf(']') ? authority.slice(0, portStart) : authority;
}
