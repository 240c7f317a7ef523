import { fail, ok, type Result } from '../lib/result.ts';
import { fieldValue, type Fields } from './exchange.ts';
import { parseContentLength, parseFieldLines } from './field-lines.ts';
import { isFieldValueByte } from './grammar.ts';
import { hopByHopFields, parseConnection, withoutFields } from './hop-by-hop.ts';

/** How the body of a response ends (RFC 9112 section 6.3). */
export type ResponseFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export interface ResponseHead {
  readonly status: number;
  /** End-to-end fields only: framing, hop-by-hop and nominated fields are taken out. */
  readonly fields: Fields;
  readonly framing: ResponseFraming;
  /** Whether the sender keeps the connection, and for how many milliseconds where it says so (Keep-Alive: timeout). */
  readonly keepAlive: boolean;
  readonly keepAliveFor: number | undefined;
  /** An event stream that is readable as it comes; a compressed one cannot take a comment of ours and is a body like any other. */
  readonly isEventStream: boolean;
}

const MAX_FIELDS = 200;
const SPACE = 0x20;
const ZERO = 0x30;
const ONE = 0x31;
/** Offsets in `HTTP/1.1 200 OK`. */
const MINOR_VERSION = 7;
const STATUS = 9;

const noBody: ResponseFraming = { kind: 'none' };
const chunkedBody: ResponseFraming = { kind: 'chunked' };
const untilClose: ResponseFraming = { kind: 'close' };

/**
 * Reads one HTTP/1.x response head from `bytes[0, end)`, where `end` is just behind the empty line.
 * As strict as the request side: what is not certain fails, and the caller answers 502. Never throws.
 */
export function parseResponseHead(
  bytes: Buffer,
  end: number,
  requestMethod: string,
): Result<ResponseHead, 'malformed'> {
  const text = bytes.toString('latin1', 0, end);
  const lineEnd = text.indexOf('\r\n');
  const status = parseStatusLine(bytes, text, lineEnd);
  if (status === undefined) return fail('malformed');
  const lines: string[] = [];
  const range = { bytes, text, base: 0, start: lineEnd + 2, end };
  if (parseFieldLines(range, MAX_FIELDS, lines, 'kept') !== undefined) return fail('malformed');

  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  let nominated: readonly string[] = [];
  let keepAlive = bytes[MINOR_VERSION] === ONE;
  let keepAliveFor: number | undefined;
  const fields: string[] = [];
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? '';
    const value = lines[index + 1] ?? '';
    if (name === 'content-length') {
      if (contentLength !== undefined) return fail('malformed');
      contentLength = value;
    } else if (name === 'transfer-encoding') {
      if (transferEncoding !== undefined) return fail('malformed');
      transferEncoding = value;
    } else if (name === 'connection') {
      const options = parseConnection(value);
      nominated = [...nominated, ...options.nominated];
      if (options.close) keepAlive = false;
    } else if (name === 'keep-alive') {
      const seconds = /(?:^|[\s,])timeout=(\d{1,6})/.exec(value)?.[1];
      if (seconds !== undefined) keepAliveFor = Number(seconds) * 1000;
    } else if (!hopByHopFields.has(name)) {
      fields.push(name, value);
    }
  }
  const framing = parseFraming({ status, requestMethod, contentLength, transferEncoding });
  if (framing === undefined) return fail('malformed');
  const kept = nominated.length === 0 ? fields : withoutFields(fields, nominated);
  return ok({
    status,
    fields: kept,
    framing,
    keepAlive: keepAlive && framing !== untilClose,
    keepAliveFor,
    isEventStream: isEventStream(kept),
  });
}

/** `HTTP/1.x NNN`, and after a space any reason (RFC 9112 section 4); a regular expression here was seen in profiles. */
function parseStatusLine(bytes: Buffer, text: string, end: number): number | undefined {
  if (!text.startsWith('HTTP/1.') || (bytes[MINOR_VERSION] !== ZERO && bytes[MINOR_VERSION] !== ONE))
    return undefined;
  if (bytes[STATUS - 1] !== SPACE || (end > STATUS + 3 && bytes[STATUS + 3] !== SPACE)) return undefined;
  let status = 0;
  for (let at = STATUS; at < STATUS + 3; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9 || at >= end) return undefined;
    status = status * 10 + digit;
  }
  for (let at = STATUS + 4; at < end; at++) if (!isFieldValueByte(bytes[at] ?? 0)) return undefined;
  return status >= 100 && status <= 599 ? status : undefined;
}

const EVENT_STREAM = 'text/event-stream';

function isEventStream(fields: Fields): boolean {
  const type = fieldValue(fields, 'content-type');
  if (type === undefined || type.length < EVENT_STREAM.length) return false;
  const end = type.indexOf(';');
  const mediaType = (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
  return mediaType === EVENT_STREAM && fieldValue(fields, 'content-encoding') === undefined;
}

function parseFraming(head: {
  status: number;
  requestMethod: string;
  contentLength: string | undefined;
  transferEncoding: string | undefined;
}): ResponseFraming | undefined {
  const { status, contentLength, transferEncoding } = head;
  // Response smuggling: an upstream that names two framings cannot be trusted with either.
  if (contentLength !== undefined && transferEncoding !== undefined) return undefined;
  const length = contentLength === undefined ? undefined : parseContentLength(contentLength);
  if (contentLength !== undefined && length === undefined) return undefined;
  if (transferEncoding !== undefined && transferEncoding.toLowerCase() !== 'chunked') return undefined;
  if (head.requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return noBody;
  if (transferEncoding !== undefined) return chunkedBody;
  return length === undefined ? untilClose : { kind: 'length', length };
}
