import { describe, expect, it } from 'vitest';
import { parseH2Head } from '../../src/http/h2-request.ts';

type Field = readonly [name: string, value: string];

const base: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'mcp.example.com'],
  [':path', '/mcp?x=1'],
];

function parse(fields: readonly Field[], urlBytes = 4096): ReturnType<typeof parseH2Head> {
  return parseH2Head(fields.flat(), urlBytes);
}

/** The usual head with one field replaced or added. */
function withField(name: string, value: string): Field[] {
  const rest = base.filter(([other]) => other !== name);
  return name.startsWith(':') ? [[name, value], ...rest] : [...base, [name, value]];
}

describe('the head of an HTTP/2 request', () => {
  it('is read in the terms of HTTP/1.1', () => {
    expect(parse([...base, ['accept', '*/*'], ['x-latin', 'caf\xe9'], ['accept', 'text/html']])).toEqual({
      ok: true,
      value: {
        method: 'POST',
        path: '/mcp',
        query: '?x=1',
        authority: 'mcp.example.com',
        fields: ['accept', '*/*', 'x-latin', 'caf\xe9', 'accept', 'text/html'],
      },
    });
  });

  it.each([
    [
      'a host in place of :authority',
      [...base.filter(([name]) => name !== ':authority'), ['host', 'A.example:1']],
      'a.example:1',
    ],
    ['a host beside an equal :authority', withField('host', 'mcp.example.com'), 'mcp.example.com'],
    ['an address', withField(':authority', '[::1]:8443'), '[::1]:8443'],
    ['capitals', withField(':authority', 'MCP.Example.com'), 'mcp.example.com'],
  ] as [string, Field[], string][])('takes %s', (_name, fields, authority) => {
    expect(parse(fields)).toMatchObject({ ok: true, value: { authority } });
  });

  it.each([
    'connection',
    'keep-alive',
    'proxy-connection',
    'transfer-encoding',
    'upgrade',
    'te',
    'trailer',
    'http2-settings',
    'proxy-authorization',
    'content-length',
    'x_forwarded_for',
    '__proto__',
    'mcp_session_id',
  ])('%s goes no further', (name) => {
    expect(parse(withField(name, 'x'))).toMatchObject({ ok: true, value: { fields: [] } });
  });

  it('joins the crumbs of a cookie', () => {
    expect(parse([...base, ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2']])).toMatchObject({
      value: { fields: ['x', 'y', 'cookie', 'a=1; b=2'] },
    });
  });
});

const refused: [string, Field[]][] = [
  ...['\r', '\n', '\r\n', '\0', '\x01', '\x1f', '\x7f', '\u0100', '\u010a', '\ud83c'].map(
    (bad): [string, Field[]] => [`a value with ${JSON.stringify(bad)}`, withField('x', `a${bad}b`)],
  ),
  ...[
    '\r\n',
    ' ',
    '\t',
    ':',
    '\0',
    '(',
    ')',
    '/',
    '@',
    '[',
    ']',
    '{',
    '}',
    '"',
    ',',
    ';',
    '=',
    '\\',
    '\x7f',
    '\xe9',
    '\u0100',
  ].map((bad): [string, Field[]] => [`a name with ${JSON.stringify(bad)}`, withField(`a${bad}b`, 'x')]),
  ['an empty name', withField('', 'x')],
  ['a name in capitals', withField('X-Forwarded-For', 'x')],
  ['a name that is a request line', withField('get / http/1.1\r\nhost: evil', 'x')],
  ['an unknown pseudo field', withField(':proto', 'x')],
  ['a pseudo field of responses', withField(':status', '200')],
  ['the protocol of a websocket', withField(':protocol', 'websocket')],
  ['no method', base.slice(1)],
  ['an empty method', withField(':method', '')],
  ['an unknown method', withField(':method', 'TRACE')],
  ['CONNECT', withField(':method', 'CONNECT')],
  ['a method in small letters', withField(':method', 'post')],
  ['a method with a line', withField(':method', 'POST /x HTTP/1.1\r\nhost: evil\r\n\r\nGET')],
  ['no path', base.slice(0, 3)],
  ['an empty path', withField(':path', '')],
  ['an asterisk', withField(':path', '*')],
  ['a path without a slash', withField(':path', 'mcp')],
  ['an absolute URL', withField(':path', 'https://mcp.example.com/mcp')],
  ['a path with a space', withField(':path', '/mcp HTTP/1.1')],
  ['a path with a tab', withField(':path', '/mcp\tx')],
  ['a path with a line', withField(':path', '/mcp HTTP/1.1\r\nx: y')],
  ['a path with a fragment', withField(':path', '/mcp#x')],
  ['a path with a backslash', withField(':path', '/mcp\\..')],
  ['a path with a quote', withField(':path', '/mcp"')],
  ['a path above ASCII', withField(':path', '/mcp\xe9')],
  ['no authority', base.filter(([name]) => name !== ':authority')],
  ['an empty authority', withField(':authority', '')],
  ['user info', withField(':authority', 'user@mcp.example.com')],
  ['an authority with a path', withField(':authority', 'mcp.example.com/x')],
  ['an authority with a space', withField(':authority', 'mcp.example.com evil')],
  ['two authorities in one', withField(':authority', 'mcp.example.com,evil')],
  ['an authority with a line', withField(':authority', 'mcp.example.com\r\nx: y')],
  ['an empty port', withField(':authority', 'mcp.example.com:')],
  ['a port of six digits', withField(':authority', 'mcp.example.com:123456')],
  ['host-confusion: another host', withField('host', 'evil.example')],
  ['host-confusion: two hosts', [...base, ['host', 'mcp.example.com'], ['host', 'mcp.example.com']]],
  ['two methods', [...base, [':method', 'GET']]],
  ['two paths', [...base, [':path', '/other']]],
  ['two paths, the first empty', [[':path', ''], ...base]],
  ['two methods, the first empty', [[':method', ''], ...base]],
  ['two authorities', [...base, [':authority', 'evil.example']]],
];

describe(`downgrade-smuggling: ${refused.length} heads that would mean something else as HTTP/1.1`, () => {
  it.each(refused)('%s', (_name, fields) => {
    expect(parse(fields)).toEqual({ ok: false, error: 'E_HTTP_BAD_REQUEST' });
  });

  it('control: the head they are made from is accepted', () => expect(parse(base).ok).toBe(true));
});

describe('what else is refused', () => {
  it('a target longer than the limit', () => {
    const target = `/${'x'.repeat(99)}`;
    expect(parse(withField(':path', target), 100).ok).toBe(true);
    expect(parse(withField(':path', `${target}x`), 100)).toEqual({ ok: false, error: 'E_HTTP_URI_TOO_LONG' });
  });

  it('an expectation but 100-continue, which needs no answer of ours', () => {
    expect(parse(withField('expect', 'x'))).toEqual({ ok: false, error: 'E_HTTP_EXPECTATION' });
    expect(parse(withField('expect', '100-Continue'))).toMatchObject({ ok: true, value: { fields: [] } });
  });
});
