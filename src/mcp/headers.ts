import { isUtf8 } from 'node:buffer';

/** Names of the MCP header fields, in lower case. */
export const PROTOCOL_VERSION_HEADER = 'mcp-protocol-version';
export const METHOD_HEADER = 'mcp-method';
export const NAME_HEADER = 'mcp-name';
export const SESSION_ID_HEADER = 'mcp-session-id';
export const LAST_EVENT_ID_HEADER = 'last-event-id';
/** Prefix of headers that mirror tool arguments; unknown ones must be forwarded (2026-07-28, Request Metadata). */
export const PARAM_HEADER_PREFIX = 'mcp-param-';

/** Longest encoded value that is decoded, in characters; sizes are checked before work is done (SEP-2243, Security). */
export const MAX_ENCODED_LENGTH = 8192;

const SENTINEL_START = '=?base64?';
const SENTINEL_END = '?=';
const printablePattern = /^[\x20-\x7e]*$/;

/**
 * Undoes the `=?base64?…?=` form of a mirrored header value (2026-07-28, Request Metadata). A plain value is
 * returned as it is. `undefined` means malformed: bytes outside printable ASCII, base64 that is not canonical
 * (RFC 4648 section 4), text that is not UTF-8, or more than MAX_ENCODED_LENGTH characters.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(SENTINEL_START) || !value.endsWith(SENTINEL_END)) {
    return printablePattern.test(value) ? value : undefined;
  }
  if (value.length > MAX_ENCODED_LENGTH) return undefined;
  const payload = value.slice(SENTINEL_START.length, -SENTINEL_END.length);
  // base64-malleability: Node skips foreign characters, missing padding and stray bits; another decoder may not.
  const bytes = Buffer.from(payload, 'base64');
  if (bytes.toString('base64') !== payload || value.length < SENTINEL_START.length + SENTINEL_END.length) {
    return undefined;
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Whether a header that may be encoded says exactly what the body says; a missing or ill-typed body value equals nothing. */
export function isSameValue(header: string, body: string | undefined): boolean {
  return body !== undefined && decodeHeaderValue(header) === body;
}
