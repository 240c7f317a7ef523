import {
  chunked,
  get,
  lastChunk,
  message,
  post,
  rightLength,
  show,
  toChunk,
  type Build,
} from '../smuggling/base-request.ts';

export interface OddRequest {
  readonly name: string;
  readonly build: Build;
}

const tokenCharacters = "!#$%&'*+-.^`|~09azAZ";
const lines = [
  'Accept: */*', 'Accept: application/json, text/event-stream', 'Accept: text/event-stream;q=0.5, */*;q=0.1', 'Accept-Encoding: gzip, br', 'Accept-Language: de-DE,de;q=0.9', 'Cache-Control: no-cache', 'Cookie: a=b; c="d"', 'Cookie: a=b\r\nCookie: c=d',
  'Authorization: Bearer a.b.c', 'Authorization: Basic eDp5', 'If-None-Match: "x"', 'If-Match: *', 'If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'If-Unmodified-Since: x', 'If-Range: "x"', 'Range: bytes=0-1', 'Range: bytes=-1', 'Range: x', 'Max-Forwards: 0', 'Via: 1.1 x', 'Via: 1.0 x\r\nVia: 1.1 y',
  'Warning: 199 - "x"', 'Pragma: no-cache', 'Date: x', 'From: a@b', 'Referer: x', 'User-Agent: ', 'User-Agent:', 'X-Requested-With: x', 'Upgrade-Insecure-Requests: 1', 'DNT: 1', 'Sec-WebSocket-Key: x', 'Sec-Fetch-Mode: cors', 'Priority: u=1', 'Early-Data: 1', 'Content-Language: x', 'Content-Location: /x',
  'Content-Disposition: form-data; name="a"', 'Content-Encoding: identity', 'Content-MD5: x', 'Content-Range: bytes 0-1/2', 'Content-Version: 1', 'Content-Script-Type: x', 'Digest: x', 'X-HTTP-Method-Override: DELETE', 'X-Method-Override: GET', 'X-Forwarded-For: 1.1.1.1', 'X-Forwarded-Host: evil', 'X-Real-IP: 1.1.1.1', 'Forwarded: for=1.1.1.1', 'X-Original-URL: /x', 'X-Rewrite-URL: /x',
  'Proxy: http://evil', 'Proxy-Authorization: Basic x', 'Proxy-Connection: close', 'Connection: close', 'Connection: keep-alive', 'Connection: x-mark', 'Connection: content-length', 'Connection: host', 'Keep-Alive: timeout=1', 'TE: trailers', 'TE: chunked, trailers', 'Trailer: X', 'Upgrade: h2c', 'Upgrade: websocket\r\nConnection: upgrade', 'HTTP2-Settings: AAMAAABk\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings',
  'Expect: 100-continue', 'Content_Length: 0', 'Transfer_Encoding: chunked', 'X_Mark: evil', '__proto__: x', 'constructor: x', 'hasOwnProperty: x', 'toString: x', 'Alt-Used: x', 'Depth: 0', 'Destination: /x', 'Overwrite: T', 'Translate: f', 'SOAPAction: "x"', 'X: a:b', 'X: a;b=c', 'X: "a\\"b"', 'X: (comment)', 'X: a,,b', 'X: ,', 'X:', 'X: ', 'X:\t', 'X:a', 'X: \t a \t ',
  'X: a\tb', 'X: a  b', 'X: \\', 'X: %00', 'X: %0d%0aY: z', 'X: HTTP/1.1', 'X: GET / HTTP/1.1', 'X: Content-Length: 0', 'X: \x80', 'X: \xff', 'X: a\xa0', 'X: \x85', 'X: a\x85b', 'X: \xad', 'X: \xef\xbb\xbf', 'X: =?base64?eA==?=', 'X: a\r\nX: b', 'X: a\r\nx: a', 'Content-Length2: 0', 'Content-Length-: 0', '-Content-Length: 0', 'Content.Length: 0',
  'Transfer-Encoding2: chunked', 'Transfer.Encoding: chunked', 'Transfer-Encoding-: chunked', 'X-Transfer-Encoding: chunked', 'X-Content-Length: 0', 'Status: 500', 'Location: /x', 'Set-Cookie: a=b', 'Server: x', 'Host2: evil', 'X-Accel-Redirect: /x', 'X-Sendfile: /x', 'Script-Name: /x', 'Request-Method: DELETE', 'Remote-User: x', 'Origin: https://localhost', 'Mcp-Param-X: y',
]; // prettier-ignore
const queries = [
  '', '&a', '&a=', '&=', '&&', '&a=b=c', '&a+b', '&a%20b', '&%', '&%z', '&%00', '&%0d%0a', '&%0d%0a%0d%0aGET%20/', '&a?b', '&a/b', '&../..', '&//', "&'", '&(a)', '&*', '&!', '&$', '&~', '&@', '&:', '&;', '&,', '&http://x/', `&${'a'.repeat(3000)}`, '&a;b=c', '&%ff', '&%C3%A9', '&%u0041', '&HTTP/1.1', '&.',
]; // prettier-ignore

/** Requests the gateway lets through although they look odd: if an origin read one of them differently, it would matter. */
export function buildOddRequests(): readonly OddRequest[] {
  const entries: OddRequest[] = [];
  const add = (name: string, build: Build): void => void entries.push({ name, build });
  for (const line of lines) {
    add(
      `POST with ${show(line)}`,
      post((marks) => `${line}\r\n${rightLength(marks)}`, message),
    );
    add(`GET with ${show(line)}`, get(`${line}\r\n`));
  }
  for (const character of tokenCharacters)
    add(`name with ${character}`, get(`X${character}Y${character}: a\r\n`));
  for (const query of queries) {
    const change =
      (build: Build): Build =>
      (marks) =>
        build(marks).replace(`?m=${marks.own}`, `?m=${marks.own}${query}`);
    add(`POST, query ${show(query.slice(0, 30))}`, change(post(rightLength, message)));
    add(`GET, query ${show(query.slice(0, 30))}`, change(get('')));
    add(`DELETE, query ${show(query.slice(0, 30))}`, (marks) =>
      change(get(''))(marks).replace('GET', 'DELETE'),
    );
  }
  for (const size of [1, 100, 1024, 8192, 16_384, 65_535, 65_536, 65_537, 1_048_576]) {
    const body = (marks: { own: string; hidden: string }): string =>
      message(marks).replace('"ping"', `"ping","params":{"a":"${'b'.repeat(size)}"}`);
    add(
      `body of ${size} bytes more`,
      post((marks) => `Content-Length: ${body(marks).length}\r\n`, body),
    );
    add(
      `the same in one chunk`,
      post('Transfer-Encoding: chunked\r\n', (marks) => toChunk(body(marks)) + lastChunk),
    );
  }
  for (const text of [
    '\\r\\n\\r\\nGET / HTTP/1.1',
    '0\\r\\n\\r\\n',
    'HTTP/1.1 200 OK',
    '\\u0000',
    '--boundary',
    '\x7f',
  ]) {
    const body = (marks: { own: string; hidden: string }): string =>
      message(marks).replace('"ping"', `"ping","params":{"a":"${text}"}`);
    add(
      `body with ${text}`,
      post((marks) => `Content-Length: ${body(marks).length}\r\n`, body),
    );
  }
  add(
    'line ends around the body',
    post(
      (marks) => `Content-Length: ${message(marks).length + 8}\r\n`,
      (marks) => `\r\n\r\n${message(marks)}\r\n\r\n`,
    ),
  );
  add(
    'many chunks',
    post(
      'Transfer-Encoding: chunked\r\n',
      (marks) => message(marks).split('').map(toChunk).join('') + lastChunk,
    ),
  );
  add(
    'chunks with leading zeros',
    post('Transfer-Encoding: chunked\r\n', (marks) => `00${chunked(marks)}`),
  );
  add('98 fields', get('a: b\r\n'.repeat(90)));
  add('a value of 7 KiB', get(`X: ${'a'.repeat(7000)}\r\n`));
  add('one empty line before', (marks) => `\r\n${get('')(marks)}`);
  return entries;
}
