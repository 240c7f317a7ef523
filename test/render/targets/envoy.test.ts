import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Front } from '../../../src/render/front.ts';
import { renderEnvoy } from '../../../src/render/targets/envoy.ts';
import { breakwaterFront, directFront, fullFront, sampleRoute } from '../sample-fronts.ts';

const manager = z.looseObject({
  http_filters: z.array(z.looseObject({ name: z.string() })),
  route_config: z.looseObject({
    virtual_hosts: z.array(z.looseObject({ routes: z.array(z.looseObject({ match: z.looseObject({}) })) })),
  }),
});
const listener = z.looseObject({
  filter_chains: z.array(z.looseObject({ filters: z.array(z.looseObject({ typed_config: manager })) })),
});
const bootstrap = z.looseObject({ static_resources: z.looseObject({ listeners: z.array(listener) }) });

function managerOf(front: Front): z.infer<typeof manager> {
  const rendered = renderEnvoy(front);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  const read = bootstrap.parse(parse(rendered.value.files[0]?.text ?? ''));
  const found = read.static_resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config;
  if (found === undefined) throw new Error('there is no connection manager');
  return found;
}

function routesOf(front: Front): readonly Record<string, unknown>[] {
  return managerOf(front).route_config.virtual_hosts[0]?.routes ?? [];
}

const forwarded = (front: Front): readonly Record<string, unknown>[] =>
  routesOf(front).filter((route) => JSON.stringify(route['route'] ?? '').includes('endpoint'));

const asksNobody = expect.objectContaining({
  'envoy.filters.http.ext_authz': expect.objectContaining({ disabled: true }),
});

describe('a configuration of Envoy', () => {
  it('deletes what clients claim before anybody is asked about them', () => {
    expect(
      managerOf(directFront).http_filters.map(({ name }) => name.replace('envoy.filters.http.', '')),
    ).toEqual(['header_mutation', 'cors', 'ext_authz', 'buffer', 'router']);
  });

  it('asks about a protected route, and not about one that is open on purpose', () => {
    const [first, second] = forwarded(fullFront);
    expect(first).toMatchObject({
      typed_per_filter_config: expect.not.objectContaining({
        'envoy.filters.http.ext_authz': expect.anything(),
      }),
    });
    expect(second).toMatchObject({ typed_per_filter_config: asksNobody });
  });

  it('fails closed when the authz endpoint does not answer', () => {
    const ask = managerOf(directFront).http_filters.find(({ name }) => name.endsWith('ext_authz'));
    expect(ask).toMatchObject({ typed_config: { failure_mode_allow: false } });
  });

  it('is not rendered where a protected route would be open', () => {
    const rendered = renderEnvoy({ ...directFront, authz: undefined });
    expect(rendered).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
  });

  it('answers what it does not know last, and strangers first', () => {
    const routes = routesOf(directFront);
    expect(routes[0]).toMatchObject({ direct_response: { status: 421 } });
    expect(routes.at(-1)).toMatchObject({ match: { prefix: '/' }, direct_response: { status: 404 } });
  });

  it('keeps sessions on their server where there are several', () => {
    expect(managerOf(fullFront).http_filters.map(({ name }) => name)).toContain(
      'envoy.filters.http.stateful_session',
    );
    expect(managerOf(directFront).http_filters.map(({ name }) => name)).not.toContain(
      'envoy.filters.http.stateful_session',
    );
  });

  it('says that it does not verify Breakwater where that stands behind it', () => {
    const rendered = renderEnvoy(breakwaterFront);
    expect(rendered).toMatchObject({
      value: { warnings: [{ message: expect.stringContaining('cannot verify') }] },
    });
  });

  it('verifies MCP servers that speak TLS', () => {
    const rendered = renderEnvoy(fullFront);
    const text = rendered.ok ? (rendered.value.files[0]?.text ?? '') : '';
    expect(text).toContain('filename: /etc/ssl/internal.pem');
    expect(text).toMatch(/san_type: DNS\n\s+matcher:\n\s+exact: a\.internal/);
  });
});

describe('attacks through names', () => {
  it('key injection by a line break: nothing is rendered', () => {
    expect(renderEnvoy({ ...directFront, certificate: { cert: '/x\nadmin: {}', key: '/k' } }).ok).toBe(false);
  });

  it('header format injection: a `%` of an upstream path is no command', () => {
    const upstreams = [
      {
        kind: 'tcp',
        secure: false,
        host: '127.0.0.1',
        port: 8000,
        path: '/%2Fmcp',
        ca: undefined,
        weight: 1,
      },
    ] as const;
    expect(forwarded({ ...directFront, routes: [{ ...sampleRoute, upstreams }] })[0]).toMatchObject({
      route: { regex_rewrite: { substitution: '/%2Fmcp' } },
    });
  });

  it('capture injection: a backslash in a rewritten path stays a backslash', () => {
    const upstreams = [
      { kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/\\0', ca: undefined, weight: 1 },
    ] as const;
    expect(forwarded({ ...directFront, routes: [{ ...sampleRoute, upstreams }] })[0]).toMatchObject({
      route: { regex_rewrite: { substitution: '/\\\\0' } },
    });
  });

  it('pattern widening: characters of paths and names match themselves alone', () => {
    const route = { ...sampleRoute, path: '/a.b+(c)' };
    expect(forwarded({ ...directFront, routes: [route] })[0]).toMatchObject({
      match: { safe_regex: { regex: '/a\\.b\\+\\(c\\)/?' } },
    });
  });
});
