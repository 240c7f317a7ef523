import { describe, expect, it } from 'vitest';
import type { Config, RouteConfig } from '../../src/config/config.ts';
import { findOpenDoor } from '../../src/gateway/open-door.ts';
import { toPublicUrl } from '../../src/gateway/public-url.ts';
import { buildTestConfig } from '../support/gateway.ts';
import { oneServer } from '../support/routes.ts';

const route = {
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
    expect(toPublicUrl(configWith({ domains }), { port: 443, path: '/mcp' })).toBe(url);
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
