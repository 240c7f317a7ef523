import { describe, expect, it } from 'vitest';
import { parseResponseHead, type ResponseHead } from '../../src/http/response-head.ts';

function parse(text: string, method = 'POST'): ReturnType<typeof parseResponseHead> {
  const bytes = Buffer.from(text, 'latin1');
  return parseResponseHead(bytes, bytes.length, method);
}

function accepted(text: string, method?: string): ResponseHead {
  const result = parse(text, method);
  if (!result.ok) throw new Error('refused');
  return result.value;
}

const ok = 'HTTP/1.1 200 OK\r\n';

describe('how the body of a response ends (RFC 9112 section 6.3)', () => {
  it.each([
    ['a length', `${ok}Content-Length: 5\r\n\r\n`, 'POST', { kind: 'length', length: 5 }],
    ['chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n`, 'POST', { kind: 'chunked' }],
    ['neither', `${ok}\r\n`, 'POST', { kind: 'close' }],
    ['HEAD', `${ok}Content-Length: 5\r\n\r\n`, 'HEAD', { kind: 'none' }],
    ['HEAD with chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n`, 'HEAD', { kind: 'none' }],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'POST', { kind: 'none' }],
    ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 'GET', { kind: 'none' }],
    ['100', 'HTTP/1.1 100 Continue\r\n\r\n', 'POST', { kind: 'none' }],
  ] as const)('by %s', (_name, text, method, framing) => {
    expect(accepted(text, method).framing).toEqual(framing);
  });

  it.each([
    `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n',
  ])('response-smuggling: %j is malformed even where there is no body', (text) => {
    expect(parse(text)).toEqual({ ok: false, error: 'malformed' });
  });
});

describe('whether the connection is kept', () => {
  it.each<[string, boolean, number | undefined]>([
    [`${ok}Content-Length: 0\r\n\r\n`, true, undefined],
    [`${ok}Content-Length: 0\r\nConnection: close\r\n\r\n`, false, undefined],
    [`${ok}Content-Length: 0\r\nConnection: Keep-Alive, CLOSE\r\n\r\n`, false, undefined],
    [`${ok}Content-Length: 0\r\nConnection: x\r\nConnection: close\r\n\r\n`, false, undefined],
    [`${ok}\r\n`, false, undefined],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n', false, undefined],
    [`${ok}Content-Length: 0\r\nKeep-Alive: timeout=5, max=100\r\n\r\n`, true, 5000],
    [`${ok}Content-Length: 0\r\nKeep-Alive: max=100,timeout=7\r\n\r\n`, true, 7000],
    [`${ok}Content-Length: 0\r\nKeep-Alive: xtimeout=7\r\n\r\n`, true, undefined],
    [`${ok}Content-Length: 0\r\nKeep-Alive: timeout=\r\n\r\n`, true, undefined],
  ])('%j', (text, keepAlive, keepAliveFor) => {
    expect(accepted(text)).toMatchObject({ keepAlive, keepAliveFor });
  });
});

describe('the fields of a response', () => {
  it('are those that go end to end', () => {
    const head = accepted(
      `${ok}Connection: X-Drop, keep-alive\r\nX-Drop: 1\r\nTrailer: x\r\nUpgrade: h2c\r\nProxy-Authenticate: x\r\n` +
        'X_Twin: 1\r\nContent-Type: a\r\nSET-COOKIE: 1\r\nSet-Cookie: 2\r\nContent-Length: 0\r\n\r\n',
    );
    expect(head.fields).toEqual(['x_twin', '1', 'content-type', 'a', 'set-cookie', '1', 'set-cookie', '2']);
  });

  it('may be 200, and no more', () => {
    const build = (count: number): string => `${ok}${'x: y\r\n'.repeat(count)}\r\n`;
    expect(parse(build(200)).ok).toBe(true);
    expect(parse(build(201)).ok).toBe(false);
  });
});

describe('the status line (RFC 9112 section 4)', () => {
  it.each(['HTTP/1.1 200 OK', 'HTTP/1.0 200 ', 'HTTP/1.1 200', 'HTTP/1.1 599 W\u00fcrde\tnicht'])(
    'accepts %j',
    (line) => {
      expect(accepted(`${line}\r\n\r\n`).status).toBe(Number(line.slice(9, 12)));
    },
  );

  it.each([
    '',
    'HTTP/1.1',
    'HTTP/1.1 20',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 600 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.2 200 OK',
    'HTTP/2.0 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 \x7f',
  ])('refuses %j', (line) => {
    expect(parse(`${line}\r\n\r\n`).ok).toBe(false);
  });
});

describe('names of fields', () => {
  it('keeps all tokens: only a server could take one for another', () => {
    const { fields } = accepted(`${ok}x_ratelimit_remaining: 3\r\nX.Trace~Id: a\r\n\r\n`);
    expect(fields).toEqual(['x_ratelimit_remaining', '3', 'x.trace~id', 'a']);
  });
});
