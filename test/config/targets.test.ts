import { describe, expect, it } from 'vitest';
import { parseUpstream } from '../../src/config/schema/upstream.ts';
import { configOf, problemsOf } from './load-text.ts';

const tcp = { kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/mcp' };

describe('a target', () => {
  it.each([
    ['8000', tcp],
    [8000, tcp],
    ['127.0.0.1:8000', tcp],
    ['http://127.0.0.1:8000', tcp],
    ['HTTP://127.0.0.1:8000/mcp', tcp],
    ['127.0.0.1:8000/tools', { ...tcp, path: '/tools' }],
    ['http://127.0.0.1:8000/', { ...tcp, path: '/' }],
    ['http://127.0.0.1:8000/mcp/', { ...tcp, path: '/mcp/' }],
    ['http://mcp_backend', { ...tcp, host: 'mcp_backend', port: 80 }],
    ['https://Example.COM', { ...tcp, secure: true, host: 'example.com', port: 443 }],
    [
      'https://bücher.example/x',
      { ...tcp, secure: true, host: 'xn--bcher-kva.example', port: 443, path: '/x' },
    ],
    ['[::1]:8000', { ...tcp, host: '::1' }],
    ['http://[FD00::1]:8000/a%20b', { ...tcp, host: 'fd00::1', path: '/a%20b' }],
    ['unix:/run/x.sock', { kind: 'unix', socketPath: '/run/x.sock', path: '/mcp' }],
    ['unix:/run/x.sock:/', { kind: 'unix', socketPath: '/run/x.sock', path: '/' }],
    ['unix:/run/a:b.sock:/mcp', { kind: 'unix', socketPath: '/run/a:b.sock', path: '/mcp' }],
  ])('%j is read', (text, target) => {
    expect(parseUpstream(text)).toEqual({ ok: true, value: target });
  });

  it.each([
    [''],
    ['localhost'],
    ['0'],
    ['65536'],
    ['127.0.0.1:0'],
    ['localhost:70000'],
    ['256.0.0.1:80'],
    ['127.1:80'],
    ['0x7f.1:80'],
    ['2130706433:80'],
    ['::1:8000'],
    ['[::1'],
    ['ftp://host/x'],
    ['ws://host/x'],
    ['http://'],
    ['http:///mcp'],
    ['http://user@host/mcp'],
    ['http://host/mcp?key=1'],
    ['http://host/mcp#x'],
    ['http://host/a b'],
    ['http://host/a\r\nX: y'],
    ['http://host/../admin'],
    ['http://host/%2e%2e/admin'],
    ['http://host/%zz'],
    ['http://ho st/'],
    ['http://host\\evil/'],
    ['-1:80'],
    ['unix:'],
    ['unix:/run/x.sock:/a?b'],
    [`unix:/${'x'.repeat(107)}`],
  ])('%j is refused', (text) => {
    expect(parseUpstream(text)).toMatchObject({ ok: false, error: { code: 'E_CONFIG_UPSTREAM' } });
  });
});

describe('attack: request loop', () => {
  it.each([
    ['', '8443'],
    ['', 'localhost:8443'],
    ['', 'https://0.0.0.0:8443/mcp'],
    ['listen: localhost:9000', '127.0.0.1:9000'],
    ['listen: ":9000"', '127.0.0.1:9000'],
    ['listen: "[::]:9000"', '[::1]:9000'],
    ['plain_http: 9001', '9001'],
    ['authz: 9002', '9002'],
    ['domains: [mcp.example.com]', 'https://mcp.example.com/mcp'],
    ['domains: [mcp.example.com]', 'http://mcp.example.com/mcp'],
  ])('with %j the upstream %s is the gateway', async (text, upstream) => {
    const problems = await problemsOf(`routes: [{ upstream: "${upstream}" }]\n${text}\n`);
    expect(problems).toEqual(['E_CONFIG_UPSTREAM_LOOP: `routes[0].upstream` is the gateway itself']);
  });

  it.each([
    ['', '8444'],
    ['', '10.0.0.1:8443'],
    ['listen: "[::1]:9000"', '127.0.0.1:9000'],
    ['listen: 0', '8443'],
    ['domains: [mcp.example.com]', 'https://mcp.example.com:8443/mcp'],
  ])('with %j the upstream %s is another', async (text, upstream) => {
    const config = await configOf(`routes: [{ upstream: "${upstream}" }]\n${text}\n`);
    expect(config.routes).toHaveLength(1);
  });
});

describe('attack: path confusion', () => {
  it.each([
    'mcp',
    '',
    '//mcp',
    '/a//b',
    '/mcp//',
    '/./a',
    '/a/..',
    '/a%2fb',
    '/a;b',
    '/a?b',
    '/a#b',
    '/a b',
    '/a\\b',
    '/ä',
    '/a\tb',
  ])('a route cannot be at %j', async (path) => {
    const text = JSON.stringify({ routes: [{ path, upstream: 8000 }] });
    expect(await problemsOf(text)).toMatchObject([
      expect.stringMatching(/^E_CONFIG_PATH: `routes\[0\]\.path` /),
    ]);
  });

  it.each(['/healthz', '/readyz/', '/.well-known/x', '/.well-known'])('nor at our own %s', async (path) => {
    expect(await problemsOf(`routes: [{ path: ${path}, upstream: 8000 }]`)).toEqual([
      'E_CONFIG_PATH: `routes[0].path` belongs to Breakwater',
    ]);
  });

  it.each([
    ['/mcp/', '/mcp'],
    ['/', '/'],
    ['/a/b.c/~d', '/a/b.c/~d'],
    ['/.hidden', '/.hidden'],
  ])('%s is the path %s', async (path, resolved) => {
    expect((await configOf(`routes: [{ path: ${path}, upstream: 8000 }]`)).routes[0]?.path).toBe(resolved);
  });
});
