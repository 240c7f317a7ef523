import {
  buildFrame,
  buildHeaders,
  encodeFields,
  errorNumbers,
  flags,
  type Field,
} from '../../support/h2-frames.ts';

/** What RFC 9113 or RFC 7541 wants of a server that gets these bytes. */
export type Expectation =
  /** GOAWAY with one of the codes, or the connection closes without one. */
  | { readonly kind: 'connection-error'; readonly codes: readonly number[] }
  /** RST_STREAM with one of the codes; the answer 4xx where a request is malformed; a connection error does too. */
  | { readonly kind: 'stream-error'; readonly codes: readonly number[] }
  /** The request on stream 1 is answered with 200. */
  | { readonly kind: 'served' }
  /** Nothing ends: other requests are answered. */
  | { readonly kind: 'tolerated' }
  /** The frame has no effect, or is an error: stream 1 gets no answer. */
  | { readonly kind: 'discarded' };

export interface ConformanceCase {
  /** Section of RFC 9113, or `HPACK` and one of RFC 7541, then what is sent. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly expected: Expectation;
  /** Sent in place of the preface and SETTINGS. */
  readonly opening?: Buffer;
  /** Where the engine under the gateway does less than the section wants: what it does, and why that harms nobody. */
  readonly exception?: string;
}

export const head: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/mcp'],
  [':authority', 'localhost'],
];
const postHead: readonly Field[] = [[':method', 'POST'], ...head.slice(1)];
export const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}';

export const get: Buffer = buildHeaders(1, head);
export const openPost: Buffer = buildHeaders(1, postHead, { endStream: false });
export const cut: { readonly start: Buffer; readonly end: Buffer } = cutHeaders();

/** A request in HEADERS without END_HEADERS and one CONTINUATION. */
function cutHeaders(): { readonly start: Buffer; readonly end: Buffer } {
  const block = encodeFields(head);
  const start = buildFrame('headers', { flags: flags.endStream, stream: 1, payload: block.subarray(0, 20) });
  const payload = block.subarray(20);
  return { start, end: buildFrame('continuation', { flags: flags.endHeaders, stream: 1, payload }) };
}

/** HEADERS on stream 1 with the request and then bytes of HPACK. */
export function buildHpack(extra: Buffer, before: Buffer = Buffer.alloc(0)): Buffer {
  return buildFrame('headers', {
    flags: flags.endHeaders | flags.endStream,
    stream: 1,
    payload: Buffer.concat([before, encodeFields(head), extra]),
  });
}

type ErrorName = keyof typeof errorNumbers;

function toCodes(names: readonly ErrorName[]): readonly number[] {
  return names.map((name) => errorNumbers[name]);
}

export function endsConnection(
  name: string,
  bytes: readonly Buffer[],
  ...codes: readonly ErrorName[]
): ConformanceCase {
  const expected: Expectation = { kind: 'connection-error', codes: toCodes(codes) };
  return { name, bytes: Buffer.concat(bytes), expected };
}

export function endsStream(
  name: string,
  bytes: readonly Buffer[],
  ...codes: readonly ErrorName[]
): ConformanceCase {
  return { name, bytes: Buffer.concat(bytes), expected: { kind: 'stream-error', codes: toCodes(codes) } };
}

export function isServed(name: string, ...bytes: readonly Buffer[]): ConformanceCase {
  return { name, bytes: Buffer.concat(bytes), expected: { kind: 'served' } };
}

export function isDiscarded(name: string, ...bytes: readonly Buffer[]): ConformanceCase {
  return { name, bytes: Buffer.concat(bytes), expected: { kind: 'discarded' } };
}

export function isTolerated(name: string, ...bytes: readonly Buffer[]): ConformanceCase {
  return { name, bytes: Buffer.concat(bytes), expected: { kind: 'tolerated' } };
}
