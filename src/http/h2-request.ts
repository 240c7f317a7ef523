import type { ErrorCode } from '../lib/error-codes.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Fields } from './exchange.ts';
import { isAmbiguousName } from './field-lines.ts';
import { isFieldValueByte, isTargetByte, isTokenByte, parseAuthority } from './grammar.ts';
import { hopByHopFields } from './hop-by-hop.ts';
import { isKnownMethod } from './method.ts';

/** The head of an HTTP/2 request (RFC 9113 section 8.3), in the terms of an HTTP/1.1 one. */
export interface H2RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly fields: Fields;
}

/**
 * Reads the header list of a stream: names and values in turn, pseudo fields first. What could mean
 * something else once written as HTTP/1.1 is refused (HTTP/2 downgrade smuggling). Never throws.
 */
export function parseH2Head(list: readonly string[], urlBytes: number): Result<H2RequestHead, ErrorCode> {
  let method: string | undefined;
  let target: string | undefined;
  let authority: string | undefined;
  let host: string | undefined;
  let cookie = '';
  const fields: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] ?? '';
    const value = list[index + 1] ?? '';
    if (!isFieldValue(value)) return fail('E_HTTP_BAD_REQUEST');
    switch (name) {
      case ':method':
        if (method !== undefined) return fail('E_HTTP_BAD_REQUEST');
        method = value;
        break;
      case ':path':
        if (target !== undefined) return fail('E_HTTP_BAD_REQUEST');
        target = value;
        break;
      case ':authority':
        if (authority !== undefined) return fail('E_HTTP_BAD_REQUEST');
        authority = value;
        break;
      case ':scheme':
        break;
      case 'host':
        if (host !== undefined) return fail('E_HTTP_BAD_REQUEST');
        host = value;
        break;
      case 'expect':
        if (value.toLowerCase() !== '100-continue') return fail('E_HTTP_EXPECTATION');
        break;
      case 'cookie':
        // HTTP/2 may split it to compress better (RFC 9113 section 8.2.3).
        cookie = cookie === '' ? value : `${cookie}; ${value}`;
        break;
      default:
        if (!isFieldName(name)) return fail('E_HTTP_BAD_REQUEST');
        if (isForwardable(name)) fields.push(name, value);
    }
  }
  if (cookie !== '') fields.push('cookie', cookie);
  if (method === undefined || target === undefined || !isKnownMethod(method))
    return fail('E_HTTP_BAD_REQUEST');
  if (target.length > urlBytes) return fail('E_HTTP_URI_TOO_LONG');
  if (!isTarget(target)) return fail('E_HTTP_BAD_REQUEST');
  // Host confusion: with both given, they have to name the same authority.
  if (authority !== undefined && host !== undefined && authority !== host) return fail('E_HTTP_BAD_REQUEST');
  const named = parseAuthority(authority ?? host ?? '');
  if (named === undefined) return fail('E_HTTP_BAD_REQUEST');
  const queryStart = target.indexOf('?');
  const pathEnd = queryStart < 0 ? target.length : queryStart;
  return ok({
    method,
    path: target.slice(0, pathEnd),
    query: target.slice(pathEnd),
    authority: named,
    fields,
  });
}

/** Leaves out framing, hop-by-hop fields and ambiguous names, as on HTTP/1.1. */
function isForwardable(name: string): boolean {
  return name !== 'content-length' && !isAmbiguousName(name) && !hopByHopFields.has(name);
}

/** A token in lower case (RFC 9113 section 8.2.1), which no pseudo field is. */
function isFieldName(name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (!isTokenByte(code) || (code >= 0x41 && code <= 0x5a)) return false;
  }
  return name !== '';
}

function isFieldValue(value: string): boolean {
  for (let index = 0; index < value.length; index++)
    if (!isFieldValueByte(value.charCodeAt(index))) return false;
  return true;
}

function isTarget(target: string): boolean {
  if (target.charCodeAt(0) !== 0x2f) return false;
  for (let index = 0; index < target.length; index++)
    if (!isTargetByte(target.charCodeAt(index))) return false;
  return true;
}
