/** How often a percent-encoding is undone in search of a hidden dot segment; what is encoded more often hides something. */
const MAX_DECODINGS = 3;

const encodedByte = /%([0-9a-f]{2})/gi;
/** `.` or `..` as a whole segment, also where a query, a fragment or a path parameter ends it, or blanks that Windows drops. */
const dotSegment = /(?:^|[/:])\.{1,2} *(?:$|[/?#;])/;
/** URL parsers drop tabs and line breaks, C programs end at NUL, and to some a backslash is a slash (WHATWG URL, section 4.4). */
const refusedCharacter = /[\p{Cc}\\]/u;

/**
 * Whether a resource URI names one place to every reader. path-traversal: `file:///public/../secret` begins like an allowed
 * URI and ends elsewhere; so do `%2e%2e`, `..%2f`, `..\`, `%252e`, and dots with a tab between them. Patterns are compared
 * with URIs as they are given, so that none of these may come near one.
 */
export function isPlainUri(uri: string): boolean {
  let text = uri;
  for (let round = 0; round <= MAX_DECODINGS; round++) {
    if (refusedCharacter.test(text) || dotSegment.test(text)) return false;
    const decoded = text.replaceAll(encodedByte, (_match, hex: string) => toCharacter(hex));
    if (decoded === text) return true;
    text = decoded;
  }
  return false;
}

/** Bytes outside ASCII are no delimiters and stay as they are. */
function toCharacter(hex: string): string {
  const byte = Number.parseInt(hex, 16);
  return byte < 0x80 ? String.fromCharCode(byte) : `%${hex}`;
}

const schemeAndHost = /^[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?/i;

/**
 * The other spelling that servers take for the same URI: scheme and host in lower case, unreserved characters not encoded
 * (RFC 3986 section 6.2.2). `undefined` when it is the one that was given.
 */
export function toOtherSpelling(uri: string): string | undefined {
  const decoded = uri.replaceAll(encodedByte, (match, hex: string) => {
    const character = toCharacter(hex);
    return /^[\w.~-]$/.test(character) ? character : match;
  });
  const spelled = decoded.replace(schemeAndHost, (start) => start.toLowerCase());
  return spelled === uri ? undefined : spelled;
}
