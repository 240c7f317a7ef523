import { describe, expect, it } from 'vitest';
import type { Config, RouteConfig } from '../../src/config/config.ts';
import { buildFront } from '../../src/render/build-front.ts';
import type { Front } from '../../src/render/front.ts';
import { renderHaproxy } from '../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../src/render/targets/nginx.ts';
import { buildTestConfig } from '../support/gateway.ts';
import { oneServer } from '../support/routes.ts';

const route: RouteConfig = {
  host: undefined,
  path: '/mcp',
  ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/mcp' }),
  auth: { kind: 'none' },
  rules: undefined,
  credentials: { kind: 'none' },
};
const byKey: RouteConfig['auth'] = {
  kind: 'required',
  keys: { listed: [], stored: true },
  certificates: undefined,
  oauth: undefined,
};
const configOf = (changes: Partial<Config> = {}, changed: Partial<RouteConfig> = {}): Config => ({
  ...buildTestConfig('/var/lib/breakwater', [{ ...route, ...changed }]),
  ...changes,
});

function build(
  config: Config,
  mode: Front['mode'] = 'direct',
): { readonly front: Front; readonly warned: readonly string[]; readonly messages: string } {
  const built = buildFront(config, { mode });
  if (!built.ok) throw new Error(JSON.stringify(built.error));
  const { front, warnings } = built.value;
  const messages = warnings.map(({ message }) => message).join('\n');
  return { front, warned: warnings.map(({ requirement }) => requirement), messages };
}

describe('routes of hosts', () => {
  const domains = ['a.example.com', 'b.example.com'];
  const config = buildTestConfig(
    '/var/lib/breakwater',
    [
      { ...route, host: 'a.example.com', auth: byKey },
      { ...route, host: 'b.example.com' },
      { ...route, path: '/x' },
    ],
    { domains },
  );

  it('are refused where one path would have one server, and not before Breakwater, which tells hosts apart', () => {
    const built = buildFront(config, { mode: 'direct' });
    expect(!built.ok && built.error.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'E_RENDER_UNSUPPORTED: `/mcp` leads to a server of its own for `a.example.com`, and one path has one server here',
      'E_RENDER_UNSUPPORTED: `/mcp` leads to a server of its own for `b.example.com`, and one path has one server here',
    ]);
    expect(build(config, 'front').front.routes).toMatchObject([
      { path: '/mcp', protected: true },
      { path: '/x', protected: false },
    ]);
  });
});

describe('mode direct', () => {
  it('takes listener, names and limits of the configuration, and the upstream as it is', () => {
    const { front } = build(
      configOf({ domains: ['mcp.example.com'], listen: { host: '0.0.0.0', port: 443 } }),
    );
    expect(front).toMatchObject({
      listen: { host: '0.0.0.0', port: 443 },
      names: ['mcp.example.com'],
      publicUrl: 'https://mcp.example.com',
      routes: [
        { path: '/mcp', protected: false, metadataPaths: [], upstreams: [{ port: 8000, secure: false }] },
      ],
      limits: { bodyBytes: 8 * 1024 * 1024 },
    });
  });

  it.each([
    ['rules', { rules: [] }],
    ['client certificates alone', { auth: { ...byKey, keys: undefined } }],
    [
      'a credential that engines are not told of',
      { auth: byKey, credentials: { kind: 'header', name: 'x-api-key' } },
    ],
    ['credentials without callers', { credentials: { kind: 'header', name: 'authorization' } }],
    ['servers for some messages', { split: [{ when: { tools: ['x'] }, upstreams: route.upstreams }] }],
  ])('open-door: refuses %s, which no engine can decide', (_name, changed) => {
    const built = buildFront(configOf({}, changed as Partial<RouteConfig>), { mode: 'direct' });
    expect(built.ok).toBe(false);
    // Control: Breakwater behind the engine decides.
    expect(buildFront(configOf({}, changed as Partial<RouteConfig>), { mode: 'front' }).ok).toBe(true);
  });

  it('says what nobody counts and binds without Breakwater', () => {
    expect(build(configOf({}, { auth: byKey })).warned).toContain('access-control');
  });

  it.each([
    [
      { domains: ['*.example.com', 'mcp.example.com'], listen: { host: '0.0.0.0', port: 443 } },
      'https://mcp.example.com',
    ],
    [{ publicUrl: 'https://mcp.example.com:8443' }, 'https://mcp.example.com:8443'],
    [{ listen: { host: '127.0.0.1', port: 8443 } }, 'https://127.0.0.1:8443'],
    [{ listen: { host: '0.0.0.0', port: 443 } }, 'https://localhost'],
  ])('is %j known as %s', (changes, publicUrl) => {
    expect(build(configOf(changes)).front.publicUrl).toBe(publicUrl);
  });
});

describe('mode front', () => {
  it('puts Breakwater on this machine behind every route, believed by the authority of this machine', () => {
    const { front } = build(configOf({ listen: { host: '127.0.0.1', port: 9443 } }), 'front');
    expect(front.listen).toEqual({ host: '0.0.0.0', port: 443 });
    expect(front.routes[0]?.upstreams).toEqual([
      {
        kind: 'tcp',
        secure: true,
        host: '127.0.0.1',
        port: 9443,
        path: '/mcp',
        ca: '/var/lib/breakwater/local-ca/ca.pem',
        weight: 1,
      },
    ]);
  });

  it('says what Breakwater has to be told to stand there, and nothing once it is told', () => {
    const untold = build(configOf({ listen: { host: '0.0.0.0', port: 443 } }), 'front').warned;
    expect(untold).toEqual(expect.arrayContaining(['upstream-hidden', 'host-guard', 'forwarded-headers']));
    const told = build(
      configOf({
        listen: { host: '127.0.0.1', port: 8443 },
        publicUrl: 'https://mcp.example.com',
        trustedProxies: ['127.0.0.1'],
      }),
      'front',
    ).warned;
    expect(told).toEqual(['certificate-chain']);
  });
});

describe('a secure upstream that is given by its address', () => {
  const upstream = { kind: 'tcp', secure: true, host: '203.0.113.7', port: 443, path: '/mcp' } as const;
  const warningsOf = (host: string): readonly string[] => {
    const { front } = build(configOf({ domains: ['mcp.example.com'] }, oneServer({ ...upstream, host })));
    return [renderNginx(front, { dialect: '1.25' }), renderHaproxy(front)].flatMap((rendered) =>
      rendered.ok ? rendered.value.warnings.map(({ message }) => message) : [],
    );
  };

  it('is warned of where the engine compares names alone', () => {
    expect(
      warningsOf('203.0.113.7').filter((message) => message.includes('no addresses in certificates')),
    ).toHaveLength(2);
    expect(warningsOf('backend.example.com').filter((message) => message.includes('no addresses'))).toEqual(
      [],
    );
  });
});

describe('several servers of a route', () => {
  const target = { kind: 'tcp', secure: false, host: '127.0.0.1', path: '/mcp' } as const;
  const upstreams = [1, 3, 0].map((weight, index) => ({
    target: { ...target, port: 8000 + index },
    weight,
    resolvesAll: false,
  }));

  it('go to the engine with their weights, but for those that get no new work', () => {
    const limits = { connections: 1, queue: 1, queueTimeout: 1000 };
    const { front, messages } = build(configOf({}, { upstreams, upstreamLimits: limits }));
    expect(front.routes[0]?.upstreams).toEqual([
      { ...target, port: 8000, ca: undefined, weight: 1 },
      { ...target, port: 8001, ca: undefined, weight: 3 },
    ]);
    expect(messages).toContain('with the weight 0 are left out');
    expect(messages).toContain('`upstream_limits` of `/mcp`');
  });

  it('at the addresses of a name are one for the engine', () => {
    const named = upstreams.map((upstream) => ({ ...upstream, resolvesAll: true }));
    expect(build(configOf({}, { upstreams: named.slice(0, 1) })).messages).toContain(
      '`resolve: all` of `/mcp`',
    );
  });

  it('control: of one there is nothing to warn of', () => {
    expect(build(configOf()).messages).not.toMatch(/weight|upstream_limits|resolve/);
  });
});
