import type { Field } from '../../support/h2-frames.ts';

/** A request head that must not reach an upstream in the form in which it came. */
export interface DowngradeCase {
  /** The trick, and the section of RFC 9113 that forbids it. */
  readonly name: string;
  readonly fields: readonly Field[];
  /** Sent behind the head in DATA frames; the head ends the stream when it is absent. */
  readonly body?: string;
  /**
   * `refused` by a reset, a 4xx answer or GOAWAY; `dropped` when the engine under the gateway leaves such a field out
   * and passes the rest, or the field is one the gateway never forwards.
   */
  readonly outcome: 'refused' | 'dropped';
}

const method: Field = [':method', 'GET'];
const scheme: Field = [':scheme', 'https'];
const path: Field = [':path', '/mcp'];
const authority: Field = [':authority', 'localhost'];

/** The head of a harmless request. */
export const plainHead: readonly Field[] = [method, scheme, path, authority];

const injected = 'x-injected';

function refuse(name: string, fields: readonly Field[], body?: string): DowngradeCase {
  return { name, fields, outcome: 'refused', ...(body === undefined ? {} : { body }) };
}

function drop(name: string, ...extra: readonly Field[]): DowngradeCase {
  return { name, fields: [...plainHead, ...extra], outcome: 'dropped' };
}

const postHead: readonly Field[] = [[':method', 'POST'], scheme, path, authority];

export const downgradeCases: readonly DowngradeCase[] = [
  // Section 8.2.1: what a field value must not hold.
  drop('8.2.1 a line break in a value', [injected, 'a\r\nx-evil: b']),
  drop('8.2.1 a whole request in a value', [injected, 'a\r\n\r\nGET /evil HTTP/1.1\r\nhost: x']),
  drop('8.2.1 a line feed in a value', [injected, 'a\nx-evil: b']),
  drop('8.2.1 a carriage return in a value', [injected, 'a\rx-evil: b']),
  drop('8.2.1 a NUL in a value', [injected, 'a\0b']),
  drop('8.2.1 DEL in a value', [injected, 'a\x7fb']),
  drop('8.2.1 an escape character in a value', [injected, 'a\x1bb']),
  // Section 8.2.1: what a field name must not hold.
  drop('8.2.1 a line break in a name', ['x-evil: a\r\nx-injected', 'b']),
  drop('8.2.1 a line feed in a name', ['x-evil\n', 'b']),
  drop('8.2.1 a NUL in a name', ['x-evil\0', 'b']),
  drop('8.2.1 a colon in a name', ['x-evil:y', 'b']),
  drop('8.2.1 a colon behind a name', ['transfer-encoding:', 'chunked']),
  drop('8.2.1 a space in a name', ['x evil', 'b']),
  drop('8.2.1 a space behind a name', ['transfer-encoding ', 'chunked']),
  drop('8.2.1 a tab behind a name', ['content-length\t', '5']),
  drop('8.2.1 a byte over 0x7f in a name', ['x-evil\xe9', 'b']),
  drop('8.2.1 an empty name', ['', 'b']),
  drop('8.2.1 a name in capitals', ['X-Evil', 'b']),
  drop('8.2.1 one capital in a framing field', ['transfer-Encoding', 'chunked']),
  drop('8.2.1 one capital in an identity field', ['x-forwarded-For', '6.6.6.6']),
  // Section 8.2.2: fields that rule a connection.
  refuse('8.2.2 transfer-encoding', [...plainHead, ['transfer-encoding', 'chunked']]),
  refuse(
    '8.2.2 transfer-encoding before a body',
    [...postHead, ['transfer-encoding', 'chunked']],
    '0\r\n\r\nGET /evil',
  ),
  refuse('8.2.2 connection', [...plainHead, ['connection', 'close']]),
  refuse('8.2.2 connection that nominates', [...plainHead, ['connection', 'x-forwarded-for']]),
  refuse('8.2.2 keep-alive', [...plainHead, ['keep-alive', 'timeout=9']]),
  refuse('8.2.2 proxy-connection', [...plainHead, ['proxy-connection', 'keep-alive']]),
  refuse('8.2.2 upgrade', [...plainHead, ['upgrade', 'h2c']]),
  refuse('8.2.2 te other than trailers', [...plainHead, ['te', 'chunked']]),
  // Section 8.3: pseudo fields.
  refuse('8.3 an unknown pseudo field', [...plainHead, [':evil', 'x']]),
  refuse('8.3 a pseudo field of answers', [...plainHead, [':status', '200']]),
  refuse('8.3 an empty pseudo field', [...plainHead, [':', 'x']]),
  refuse('8.3 a pseudo field behind others', [method, scheme, authority, [injected, 'x'], path]),
  refuse('8.3 two paths', [...plainHead, [':path', '/other']]),
  refuse('8.3 two methods', [...plainHead, [':method', 'POST']]),
  refuse('8.3 two authorities', [...plainHead, [':authority', 'other']]),
  refuse('8.3 two schemes', [...plainHead, [':scheme', 'http']]),
  // Section 8.3.1: the pseudo fields of a request.
  refuse('8.3.1 no method', [scheme, path, authority]),
  refuse('8.3.1 no scheme', [method, path, authority]),
  refuse('8.3.1 no path', [method, scheme, authority]),
  refuse('8.3.1 no authority and no host', [method, scheme, path]),
  refuse('8.3.1 an empty method', [[':method', ''], scheme, path, authority]),
  refuse('8.3.1 an empty path', [method, scheme, [':path', ''], authority]),
  refuse('8.3.1 an empty authority', [method, scheme, path, [':authority', '']]),
  refuse('8.3.1 a method with a space', [[':method', 'GET /evil HTTP/1.1'], scheme, path, authority]),
  refuse('8.3.1 a method with a line break', [
    [':method', 'GET / HTTP/1.1\r\nx-evil:'],
    scheme,
    path,
    authority,
  ]),
  refuse('8.3.1 a path with a space', [method, scheme, [':path', '/mcp HTTP/1.1'], authority]),
  refuse('8.3.1 a path with a line break', [
    method,
    scheme,
    [':path', '/mcp HTTP/1.1\r\nx-evil: y\r\nx: '],
    authority,
  ]),
  refuse('8.3.1 a path with a NUL', [method, scheme, [':path', '/mcp\0'], authority]),
  refuse('8.3.1 a path with a tab', [method, scheme, [':path', '/mcp\tHTTP/1.1'], authority]),
  refuse('8.3.1 a path with a fragment', [method, scheme, [':path', '/mcp#x'], authority]),
  refuse('8.3.1 an absolute path', [method, scheme, [':path', 'https://localhost/mcp'], authority]),
  refuse('8.3.1 an asterisk for a path', [method, scheme, [':path', '*'], authority]),
  refuse('8.3.1 an authority with user info', [method, scheme, path, [':authority', 'localhost@evil']]),
  refuse('8.3.1 an authority with a line break', [
    method,
    scheme,
    path,
    [':authority', 'localhost\r\nx-evil: y'],
  ]),
  refuse('8.3.1 an authority with a path', [method, scheme, path, [':authority', 'localhost/evil']]),
  refuse('8.3.1 a host that is not the authority', [...plainHead, ['host', 'other']]),
  refuse('8.3.1 two hosts', [...plainHead, ['host', 'localhost'], ['host', 'localhost']]),
  refuse('8.3.1 a scheme with a line break', [method, [':scheme', 'https\r\nx-evil: y'], path, authority]),
  // Section 8.1.1: lengths.
  refuse('8.1.1 a length and no body', [...plainHead, ['content-length', '5']]),
  refuse('8.1.1 a length too small', [...postHead, ['content-length', '2']], '{"jsonrpc":"2.0"}'),
  refuse('8.1.1 a length too large', [...postHead, ['content-length', '99']], '{}'),
  refuse('8.1.1 two lengths', [...postHead, ['content-length', '2'], ['content-length', '2']], '{}'),
  refuse(
    '8.1.1 two different lengths',
    [...postHead, ['content-length', '2'], ['content-length', '0']],
    '{}',
  ),
  refuse('8.1.1 a list of lengths', [...postHead, ['content-length', '2, 2']], '{}'),
  refuse('8.1.1 a length with a sign', [...postHead, ['content-length', '+2']], '{}'),
  refuse('8.1.1 a negative length', [...postHead, ['content-length', '-2']], '{}'),
  // Section 8.5: tunnels.
  refuse('8.5 CONNECT', [
    [':method', 'CONNECT'],
    [':authority', 'localhost:1'],
  ]),
  refuse('8.5 CONNECT with a path', [[':method', 'CONNECT'], scheme, path, authority]),
  refuse('8.5 websocket CONNECT (RFC 8441) that was not offered', [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    scheme,
    path,
    authority,
  ]),
];
