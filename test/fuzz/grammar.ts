import type { Random } from './random.ts';

/** Texts of HTTP/1.1 that are mostly right, with the twists that parsers have fallen for now and then. */

const methods = ['GET', 'POST', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'];
const oddMethods = ['get', 'TRACE', 'CONNECT', 'PRI', 'FOO', 'POST\t', ''];
const paths = [
  '/mcp',
  '/mcp',
  '/mcp',
  '/mcp/',
  '/',
  '/mcp?x=1',
  '/a//b',
  '/%2e%2e/mcp',
  '/a;b=c',
  '/?',
  '/x?y?z',
];
const oddPaths = [
  '*',
  'mcp',
  'http://localhost/mcp',
  '/a b',
  '/a#b',
  '/\\',
  '/"',
  '/\xe9',
  '/a\tb',
  '/[',
  '/{',
  '/^',
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/2.0',
];
const hosts = [
  'localhost',
  'localhost',
  'LOCALHOST:8443',
  '[::1]',
  '[::1]:1',
  '127.0.0.1',
  'a@b',
  'a,b',
  '',
  'a:',
  'a:999999',
  '[:]',
  'a/b',
];
export const fieldLines: readonly string[] = [
  'Accept: application/json, text/event-stream',
  'Content-Type: application/json',
  'X-A: b',
  'X-A:\t c \t',
  'X-Empty:',
  'X_Under: 1',
  'X-High: caf\xe9',
  'Cookie: a=1',
  'Authorization: Bearer x',
  'Mcp-Session-Id: 1',
  'X-Forwarded-For: 192.0.2.9',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: x-a, close',
  'Connection: Authorization,,Mcp-Session-Id',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: close',
  'TE: trailers',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: 5, 5',
  'Content-Length: +5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: identity',
  'Host: evil.example',
  ' folded',
  '\tfolded',
  ': nameless',
  'nocolon',
  'X: a\rb',
  'X: a\nb',
  'X: a\0b',
];

export const headTokens: readonly string[] = [
  '\r\n',
  '\r\n\r\n',
  '\r',
  '\n',
  '\n\n',
  ' ',
  '\t',
  ':',
  ': ',
  ',',
  ';',
  '\0',
  '\x0b',
  '\xa0',
  '\x7f',
  '?',
  '%2f',
  '_',
  '0\r\n\r\n',
  ...methods,
  ...oddPaths,
  ...fieldLines.map((line) => `${line}\r\n`),
  'HTTP/1.1',
  'HTTP/1.0',
  'Host: a\r\n',
  'chunked',
  'close',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
];

/** A request head with its empty line; `extra` is put among the fields. */
export function buildHead(random: Random, extra = '', method?: string): string {
  const verb = method ?? random.pick(random.oneIn(20) ? oddMethods : methods);
  const target = random.pick(random.oneIn(20) ? oddPaths : paths);
  const version = random.oneIn(20) ? random.pick(versions) : 'HTTP/1.1';
  const host = random.oneIn(30) ? '' : `Host: ${random.oneIn(6) ? random.pick(hosts) : 'localhost'}\r\n`;
  const line = (): string => `${random.pick(fieldLines)}\r\n`;
  const before = random.oneIn(2) ? random.repeat(0, 2, line) : '';
  const after = random.oneIn(2) ? random.repeat(0, 3, line) : '';
  return `${verb} ${target} ${version}\r\n${before}${host}${extra}${after}\r\n`;
}

/** A body in chunked coding, now and then with a fault. */
export function buildChunks(random: Random, body: string): string {
  let text = '';
  for (let at = 0; at < body.length;) {
    const piece = body.slice(at, at + 1 + random.below(body.length));
    const size = random.oneIn(8) ? piece.length.toString(16).padStart(8, '0') : piece.length.toString(16);
    const extension = random.oneIn(30) ? random.pick([';x', ';x=1', ' ', '\t', ';', ';"\r\n"']) : '';
    text += `${random.oneIn(6) ? size.toUpperCase() : size}${extension}\r\n${piece}${random.oneIn(40) ? '\n' : '\r\n'}`;
    at += piece.length;
  }
  const trailer = random.oneIn(12)
    ? random.pick(['X: 1\r\n', 'Content-Length: 5\r\n', 'a\r\nb\r\n', '\n'])
    : '';
  return `${text}${random.pick(['0', '0', '0', '00', '00000000', '000000000'])}\r\n${trailer}\r\n`;
}

/** One request with the framing of its body, now and then the wrong one. */
export function buildRequest(random: Random, body: string): string {
  switch (random.below(6)) {
    case 0:
      return buildHead(random, '', random.pick(['GET', 'DELETE', 'OPTIONS', 'HEAD']));
    case 1:
      return buildHead(random) + (random.oneIn(2) ? body : '');
    case 2:
    case 3:
      return `${buildHead(random, 'Transfer-Encoding: chunked\r\n', 'POST')}${buildChunks(random, body)}`;
    default: {
      const length = random.oneIn(12) ? random.below(2 * body.length) : body.length;
      return `${buildHead(random, `Content-Length: ${length}\r\n`, 'POST')}${body}`;
    }
  }
}

/** One request that nothing is wrong with. */
export function buildPlainRequest(random: Random, body: string): string {
  const head = `POST /mcp${random.oneIn(3) ? '?x=1' : ''} HTTP/1.1\r\nHost: localhost\r\n`;
  const line = random.oneIn(2) ? `${random.pick(fieldLines.slice(0, 10))}\r\n` : '';
  if (random.oneIn(2)) return `${head}${line}Content-Length: ${body.length}\r\n\r\n${body}`;
  const at = random.below(body.length);
  const chunks = [body.slice(0, at), body.slice(at)].filter((piece) => piece !== '');
  const coded = chunks.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
  return `${head}Transfer-Encoding: chunked\r\n${line}\r\n${coded}0\r\n\r\n`;
}
