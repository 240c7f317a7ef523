import { describe, expect, it } from 'vitest';
import { configOf, problemsOf } from './load-text.ts';

const withList = (key: string, value: string): string =>
  JSON.stringify({ routes: [{ upstream: 8000 }], [key]: [value] });

describe('domains', () => {
  it.each([
    ['mcp.example.com', 'mcp.example.com'],
    ['MCP.Example.COM', 'mcp.example.com'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['localhost', 'localhost'],
    ['203.0.113.7', '203.0.113.7'],
    ['2001:DB8:0::7', '2001:db8::7'],
  ])('%s is taken as %s', async (text, name) => {
    expect((await configOf(withList('domains', text))).domains).toEqual([name]);
  });

  it.each([
    '*',
    '*.',
    '*.com',
    '*.*.example.com',
    'a.*.example.com',
    'a*.example.com',
    '*.10.0.0.1',
    'fe80::1%eth0',
    '[::1]',
    'https://mcp.example.com',
    'mcp.example.com:443',
    'mcp.example.com.',
    '-a.example',
    'a..example',
    '',
    'a b',
    '1.2.3',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}example`,
  ])('%j is refused', async (text) => {
    expect(await problemsOf(withList('domains', text))).toEqual([
      expect.stringMatching(/^E_CONFIG_DOMAIN: /),
    ]);
  });
});

it('wildcards are taken for one label before a domain', async () => {
  const config = await configOf(
    '{ domains: ["*.Example.com"], routes: [{ upstream: 1 }], tls: { cert: c, key: k } }',
  );
  expect(config.domains).toEqual(['*.example.com']);
});

describe('hosts', () => {
  it.each(['', 'a:0', 'a:65536', 'http://a', '*.a', '::1', '[::1', 'a/b', 'user@a'])(
    '%j is refused',
    async (text) => {
      expect(await problemsOf(withList('hosts', text))).toEqual([expect.stringMatching(/^E_CONFIG_VALUE: /)]);
    },
  );
});

describe('attack: origins that any page can have', () => {
  it.each(['null', '*', 'https://*.example.com', 'https://*'])('%s is refused', async (text) => {
    expect(await problemsOf(withList('origins', text))).toEqual([
      expect.stringMatching(/^E_CONFIG_ORIGIN: /),
    ]);
  });
});

describe('origins', () => {
  it.each([
    ['https://App.Example.com:443', 'https://app.example.com'],
    ['http://localhost:5173', 'http://localhost:5173'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
  ])('%s is taken as %s', async (text, origin) => {
    expect((await configOf(withList('origins', text))).origins).toEqual([origin]);
  });

  it.each([
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com/x',
    'https://u:p@app.example.com',
    'https://a b',
    'https://',
    'file:///x',
    'https://[::1',
    'https://a:99999',
  ])('%j is refused', async (text) => {
    expect(await problemsOf(withList('origins', text))).toEqual([
      expect.stringMatching(/^E_CONFIG_ORIGIN: /),
    ]);
  });
});

describe('trusted proxies', () => {
  it.each(['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/32'])('%s is taken', async (text) => {
    expect((await configOf(withList('trusted_proxies', text))).trustedProxies).toEqual([text]);
  });

  it.each([
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'proxy',
    'fe80::1%eth0',
    '',
  ])('%j is refused', async (text) => {
    expect(await problemsOf(withList('trusted_proxies', text))).toEqual([
      expect.stringMatching(/^E_CONFIG_VALUE: /),
    ]);
  });
});

describe('listen', () => {
  it.each(['70000', '-1', 'localhost', '::1:443', '[::1]', '1.2.3.4:70000', 'http://a:1', ':', ''])(
    '%j is refused',
    async (listen) => {
      const text = JSON.stringify({ routes: [{ upstream: 8000 }], listen });
      expect(await problemsOf(text)).toEqual([expect.stringMatching(/^E_CONFIG_VALUE: `listen` /)]);
    },
  );
});
