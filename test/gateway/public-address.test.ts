import { describe, expect, it } from 'vitest';
import type { Config, RouteConfig } from '../../src/config/config.ts';
import { findOpenDoor } from '../../src/gateway/open-door.ts';
import { toPublicUrl } from '../../src/gateway/public-url.ts';
import { buildTestConfig } from '../support/gateway.ts';
import { oneServer } from '../support/routes.ts';

const route = {
  host: undefined,
  path: '/mcp',
  ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 1, path: '/mcp' }),
  auth: { kind: 'none' },
  rules: undefined,
  credentials: { kind: 'none' },
} satisfies RouteConfig;

const everywhere = { listen: { host: '0.0.0.0', port: 443 } } as const;

function configWith(changes: Parameters<typeof buildTestConfig>[2]): Config {
  return buildTestConfig('/state', [route], { ...everywhere, ...changes });
}

describe('the public URL', () => {
  it.each([
    [['mcp.example.com'], 'https://mcp.example.com/mcp'],
    [['*.example.com', 'mcp.example.com'], 'https://mcp.example.com/mcp'],
    [['*.example.com'], 'https://*.example.com/mcp'],
    [['2001:db8::7'], 'https://[2001:db8::7]/mcp'],
    [['203.0.113.7'], 'https://203.0.113.7/mcp'],
  ])('for %j is %s', (domains, url) => {
    expect(toPublicUrl(configWith({ domains }), route)).toBe(url);
  });
});

describe('the public URL of one of several hosts', () => {
  const domains = ['a.example.com', 'b.example.com', 'c.example.com'];
  const forHost = (host: string): Config['routes'][number] => ({ ...route, host });
  const urlsOf = (routes: Config['routes'], changes: Parameters<typeof buildTestConfig>[2]): string[] => {
    const config = buildTestConfig('/state', routes, { ...everywhere, ...changes });
    return config.routes.map((each) => toPublicUrl(config, each));
  };

  it('is under its own host, and of a route without one under a name that is left', () => {
    expect(urlsOf([forHost('b.example.com'), route], { domains })).toEqual([
      'https://b.example.com/mcp',
      'https://a.example.com/mcp',
    ]);
    expect(urlsOf([route, forHost('2001:db8::7')], { domains: ['2001:db8::7', 'a.example.com'] })).toEqual([
      'https://a.example.com/mcp',
      'https://[2001:db8::7]/mcp',
    ]);
  });

  it('attack: two routes with one URL, so that the tokens of one open the other', () => {
    const routes = [forHost('a.example.com'), route];
    expect(urlsOf(routes, { domains })).toEqual(['https://a.example.com/mcp', 'https://b.example.com/mcp']);
    expect(urlsOf([forHost('*.example.com'), route], { domains: [...domains, 'other.example'] })).toEqual([
      'https://*.example.com/mcp',
      'https://other.example/mcp',
    ]);
    const publicUrl = 'https://a.example.com:8443';
    expect(urlsOf(routes, { domains, publicUrl })).toEqual([
      'https://a.example.com:8443/mcp',
      'https://b.example.com:8443/mcp',
    ]);
    // The control: another path shares nothing with it.
    expect(urlsOf([forHost('a.example.com'), { ...route, path: '/x' }], { domains })).toEqual([
      'https://a.example.com/mcp',
      'https://a.example.com/x',
    ]);
  });

  it('has the port of the public URL, or the one that was bound', () => {
    const listen = { host: '0.0.0.0', port: 0 };
    const config = buildTestConfig('/state', [forHost('a.example.com')], { domains, listen });
    const place = { host: 'a.example.com', path: '/mcp' };
    expect(toPublicUrl(config, { ...place, port: 8443 })).toBe('https://a.example.com:8443/mcp');
    const behind = { ...config, publicUrl: 'https://b.example.com' };
    expect(toPublicUrl(behind, { ...place, port: 8443 })).toBe('https://a.example.com/mcp');
  });
});

describe('attack: a public address without access control', () => {
  const tls = (required: boolean): Config['tls'] => ({
    files: [],
    automatic: { kind: 'local-ca' },
    policy: 'intermediate',
    clients: { ca: '/clients.pem', crl: undefined, required },
  });

  it('is refused, also where client certificates are asked for and not demanded', () => {
    expect(findOpenDoor(configWith({}))).toMatchObject({ code: 'E_PUBLIC_WITHOUT_AUTH' });
    expect(findOpenDoor(configWith({ tls: tls(false) }))).toMatchObject({ code: 'E_PUBLIC_WITHOUT_AUTH' });
  });

  it('control: no door is open where every connection needs a client certificate', () => {
    expect(findOpenDoor(configWith({ tls: tls(true) }))).toBeUndefined();
  });
});
