import type { ErrorCode } from '../lib/error-codes.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Fields } from './exchange.ts';
import { parseContentLength, parseFieldLines } from './field-lines.ts';
import { isTargetByte, parseAuthority } from './grammar.ts';
import { hopByHopFields, parseConnection, withoutFields } from './hop-by-hop.ts';
import { isKnownMethod, takesBody } from './method.ts';

/** How many bytes of body follow a request head; `chunked` until the last chunk says so. */
export type RequestFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' };

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  /** End-to-end fields only: framing, Host, Expect, hop-by-hop and nominated fields are taken out. */
  readonly fields: Fields;
  readonly framing: RequestFraming;
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
}

export interface HeadLimits {
  readonly fields: number;
  readonly urlBytes: number;
}

const noBody: RequestFraming = { kind: 'none' };
const chunkedBody: RequestFraming = { kind: 'chunked' };

/**
 * Reads one HTTP/1.1 request head (RFC 9112) from `bytes[start, end)`, where `end` is just behind the empty
 * line. Accepts an allow-list: origin-form, one valid Host, one framing. Never throws.
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): Result<RequestHead, ErrorCode> {
  const text = bytes.toString('latin1', start, end);
  const methodEnd = text.indexOf(' ');
  if (methodEnd < 0) return fail('E_HTTP_BAD_REQUEST');
  const method = text.slice(0, methodEnd);
  if (!isKnownMethod(method)) return fail('E_HTTP_BAD_REQUEST');

  const targetStart = methodEnd + 1;
  let at = start + targetStart;
  let queryStart = -1;
  if (bytes[at] !== 0x2f) return fail('E_HTTP_BAD_REQUEST');
  while (at < end && isTargetByte(bytes[at] ?? 0)) {
    if (bytes[at] === 0x3f && queryStart < 0) queryStart = at - start;
    at++;
  }
  if (at - start - targetStart > limits.urlBytes) return fail('E_HTTP_URI_TOO_LONG');
  if (bytes[at] !== 0x20) return fail('E_HTTP_BAD_REQUEST');
  const targetEnd = at - start;
  const lineEnd = text.indexOf('\r\n', targetEnd);
  const version = text.slice(targetEnd + 1, lineEnd);
  if (version !== 'HTTP/1.1') {
    return fail(/^HTTP\/\d\.\d$/.test(version) ? 'E_HTTP_VERSION' : 'E_HTTP_BAD_REQUEST');
  }

  const lines: string[] = [];
  const range = { bytes, text, base: start, start: start + lineEnd + 2, end };
  const problem = parseFieldLines(range, limits.fields, lines, 'dropped');
  if (problem !== undefined) {
    return fail(problem === 'too-many' ? 'E_HTTP_HEAD_TOO_LARGE' : 'E_HTTP_BAD_REQUEST');
  }
  const pathEnd = queryStart < 0 ? targetEnd : queryStart;
  return finishHead(lines, {
    method,
    path: text.slice(targetStart, pathEnd),
    query: text.slice(pathEnd, targetEnd),
  });
}

/** Takes the fields that rule this connection out of the rest and checks them against each other. */
function finishHead(
  lines: readonly string[],
  start: { readonly method: string; readonly path: string; readonly query: string },
): Result<RequestHead, ErrorCode> {
  let host: string | undefined;
  let contentLength: string | undefined;
  let transferEncoding: string | undefined;
  let connection: string | undefined;
  let expect: string | undefined;
  let fields: string[] = [];
  for (let index = 0; index < lines.length; index += 2) {
    const name = lines[index] ?? '';
    const value = lines[index + 1] ?? '';
    switch (name) {
      case 'host':
        // Two Hosts: the gateway would check one and the upstream obey the other (host confusion).
        if (host !== undefined) return fail('E_HTTP_BAD_REQUEST');
        host = value;
        break;
      case 'content-length':
        // A repeated length, even an equal one, is the start of request smuggling (CL.CL).
        if (contentLength !== undefined) return fail('E_HTTP_BAD_REQUEST');
        contentLength = value;
        break;
      case 'transfer-encoding':
        if (transferEncoding !== undefined) return fail('E_HTTP_BAD_REQUEST');
        transferEncoding = value;
        break;
      case 'expect':
        expect = expect === undefined ? value : `${expect}, ${value}`;
        break;
      case 'connection':
        connection = connection === undefined ? value : `${connection}, ${value}`;
        break;
      default:
        if (!hopByHopFields.has(name)) fields.push(name, value);
    }
  }

  const authority = host === undefined ? undefined : parseAuthority(host);
  if (authority === undefined) return fail('E_HTTP_BAD_REQUEST');
  const framing = parseFraming(start.method, contentLength, transferEncoding);
  if (framing === undefined) return fail('E_HTTP_BAD_REQUEST');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return fail('E_HTTP_EXPECTATION');

  let keepAlive = true;
  if (connection !== undefined) {
    const { close, nominated } = parseConnection(connection);
    keepAlive = !close;
    // Dropped before any stage looks, so that no decision rests on a field that is not forwarded (CVE-2025-48865).
    if (nominated.length > 0) fields = withoutFields(fields, nominated);
  }
  const { method, path, query } = start;
  const expectsContinue = expect !== undefined;
  return ok({ method, path, query, authority, fields, framing, keepAlive, expectsContinue });
}

function parseFraming(
  method: string,
  contentLength: string | undefined,
  transferEncoding: string | undefined,
): RequestFraming | undefined {
  // Both at once is the classic smuggling pair (CL.TE, TE.CL); RFC 9112 section 6.1 allows refusing it.
  if (contentLength !== undefined && transferEncoding !== undefined) return undefined;
  const mayHaveBody = takesBody(method);
  if (transferEncoding !== undefined) {
    return mayHaveBody && transferEncoding.toLowerCase() === 'chunked' ? chunkedBody : undefined;
  }
  if (contentLength === undefined) return noBody;
  const length = parseContentLength(contentLength);
  if (length === undefined || (length > 0 && !mayHaveBody)) return undefined;
  return length === 0 ? noBody : { kind: 'length', length };
}
