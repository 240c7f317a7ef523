import { describe, expect, it } from 'vitest';
import { parseRequestHead, type RequestHead } from '../../src/http/request-head.ts';

const limits = { fields: 100, urlBytes: 4096 };

function parse(text: string): ReturnType<typeof parseRequestHead> {
  const bytes = Buffer.from(text, 'latin1');
  return parseRequestHead(bytes, 0, bytes.length, limits);
}

function accepted(text: string): RequestHead {
  const result = parse(text);
  if (!result.ok) throw new Error(`refused with ${result.error}`);
  return result.value;
}

const host = 'Host: a\r\n';

describe('what a request head yields', () => {
  it('splits the target and lower-cases names and the authority', () => {
    const head = accepted('POST /mcp?x=1 HTTP/1.1\r\nHost: MCP.Example.com:8443\r\nX-Thing:  a b \r\n\r\n');
    expect(head).toMatchObject({
      method: 'POST',
      path: '/mcp',
      query: '?x=1',
      authority: 'mcp.example.com:8443',
      fields: ['x-thing', 'a b'],
      keepAlive: true,
    });
  });

  it.each([
    ['no body', '', { kind: 'none' }],
    ['a length', 'Content-Length: 12\r\n', { kind: 'length', length: 12 }],
    ['length zero', 'Content-Length: 0\r\n', { kind: 'none' }],
    ['chunked', 'Transfer-Encoding: chunked\r\n', { kind: 'chunked' }],
    ['chunked in capitals', 'Transfer-Encoding:\tCHUNKED\r\n', { kind: 'chunked' }],
  ])('reads the framing: %s', (_name, field, framing) => {
    expect(accepted(`POST /mcp HTTP/1.1\r\n${host}${field}\r\n`).framing).toEqual(framing);
  });

  it('takes hop-by-hop and nominated fields out before anyone can decide on them', () => {
    const head = accepted(
      `GET /mcp HTTP/1.1\r\n${host}Connection: close, X-Forwarded-For, Mcp-Session-Id\r\nKeep-Alive: 5\r\n` +
        'TE: trailers\r\nUpgrade: h2c\r\nX-Forwarded-For: 1.1.1.1\r\nMcp-Session-Id: s\r\nAccept: */*\r\n\r\n',
    );
    expect(head.fields).toEqual(['accept', '*/*']);
    expect(head.keepAlive).toBe(false);
  });

  it('name-twin: a name that CGI cannot tell from another does not pass', () => {
    const twins = 'X_Forwarded_For: 1.1.1.1\r\n__proto__: x\r\nX.Real.IP: 1.1.1.1\r\nX-Real-IP%: 1.1.1.1\r\n';
    expect(accepted(`GET /mcp HTTP/1.1\r\n${host}${twins}\r\n`).fields).toEqual([]);
  });

  it('passes tool arguments on, whatever token they are named with', () => {
    expect(accepted(`GET /mcp HTTP/1.1\r\n${host}Mcp-Param-user_id.x: 7\r\n\r\n`).fields).toEqual([
      'mcp-param-user_id.x',
      '7',
    ]);
  });

  it('keeps obs-text byte for byte', () => {
    expect(accepted(`GET /mcp HTTP/1.1\r\n${host}X: a\xffb\r\n\r\n`).fields).toEqual(['x', 'a\xffb']);
  });

  it('knows the one expectation', () => {
    const head = accepted(`POST /mcp HTTP/1.1\r\n${host}Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n`);
    expect(head.expectsContinue).toBe(true);
    expect(head.fields).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each([
    ['E_HTTP_VERSION', `GET /mcp HTTP/1.0\r\n${host}\r\n`],
    ['E_HTTP_VERSION', `GET /mcp HTTP/2.0\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /mcp HTTP/01.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /mcp\r\n\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET mcp HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET http://a/mcp HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /a#b HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /a\\b HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `FOO /mcp HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET  /mcp HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /mcp HTTP/1.1 \r\n${host}\r\n`],
    ['E_HTTP_BAD_REQUEST', `GET /mcp HTTP/1.1\r\n\r\n`],
    ['E_HTTP_URI_TOO_LONG', `GET /${'a'.repeat(4096)} HTTP/1.1\r\n${host}\r\n`],
    ['E_HTTP_HEAD_TOO_LARGE', `GET /mcp HTTP/1.1\r\n${host}${'a: b\r\n'.repeat(100)}\r\n`],
    ['E_HTTP_EXPECTATION', `POST /mcp HTTP/1.1\r\n${host}Expect: 200-ok\r\n\r\n`],
  ])('%s for %j', (code, text) => {
    expect(parse(text)).toEqual({ ok: false, error: code });
  });

  it.each([
    ['smuggling CL.TE', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'],
    ['smuggling TE.TE', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'],
    ['smuggling CL.CL', 'Content-Length: 2\r\nContent-Length: 2\r\n'],
    ['length list', 'Content-Length: 2, 2\r\n'],
    ['signed length', 'Content-Length: +2\r\n'],
    ['coding list', 'Transfer-Encoding: gzip, chunked\r\n'],
    ['obs-fold', 'X: a\r\n b\r\n'],
    ['space before colon', 'X : a\r\n'],
    ['bare LF', 'X: a\nY: b\r\n'],
    ['bare CR', 'X: a\rb\r\n'],
    ['NUL', 'X: a\0b\r\n'],
    ['empty name', ': a\r\n'],
    ['no colon', 'XYZ\r\n'],
    ['host twice', 'Host: b\r\n'],
  ])('%s', (_name, field) => {
    expect(parse(`POST /mcp HTTP/1.1\r\n${host}${field}\r\n`).ok).toBe(false);
  });

  it.each(['u@a', 'a/b', 'a, b', '', 'a:', 'a:123456', '[::1', '[g::1]', 'a b', 'a%2e'])(
    'host confusion: %j',
    (value) => {
      expect(parse(`GET /mcp HTTP/1.1\r\nHost: ${value}\r\n\r\n`).ok).toBe(false);
    },
  );

  it.each(['GET', 'DELETE', 'OPTIONS', 'HEAD'])('a body on %s', (method) => {
    expect(parse(`${method} /mcp HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\n`).ok).toBe(false);
    expect(parse(`${method} /mcp HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`).ok).toBe(false);
  });
});
