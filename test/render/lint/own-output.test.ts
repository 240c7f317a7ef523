import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../../src/lib/diagnostic-text.ts';
import type { Front } from '../../../src/render/front.ts';
import { buildHeader } from '../../../src/render/header.ts';
import type { LintEngine } from '../../../src/render/lint/finding.ts';
import type { Rendered } from '../../../src/render/rendered.ts';
import { renderApache } from '../../../src/render/targets/apache.ts';
import { renderCaddy } from '../../../src/render/targets/caddy.ts';
import { renderHaproxy } from '../../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../../src/render/targets/nginx.ts';
import { breakwaterFront, directFront, fullFront, sampleRoute } from '../sample-fronts.ts';
import { lintText } from './lint-text.ts';

/** Whoever may call: what Apache and HAProxy can write without asking anybody. */
const openFront: Front = {
  ...directFront,
  authz: undefined,
  routes: [{ ...sampleRoute, protected: false, metadataPaths: [] }],
};

const samples: Readonly<Record<string, Front>> = {
  direct: directFront,
  open: openFront,
  front: breakwaterFront,
  full: fullFront,
};

type Render = (front: Front) => ReturnType<typeof renderCaddy>;

const targets: readonly {
  readonly name: string;
  readonly engine: LintEngine;
  readonly render: Render;
  readonly version?: string;
}[] = [
  {
    name: 'nginx 1.22',
    engine: 'nginx',
    render: (front) => renderNginx(front, { dialect: '1.22' }),
    version: '1.22.1',
  },
  {
    name: 'nginx 1.25',
    engine: 'nginx',
    render: (front) => renderNginx(front, { dialect: '1.25' }),
    version: '1.25.1',
  },
  { name: 'caddy', engine: 'caddy', render: renderCaddy },
  { name: 'apache', engine: 'apache', render: renderApache },
  { name: 'haproxy', engine: 'haproxy', render: renderHaproxy },
];

function withHeader(
  { files }: Rendered,
  { engine, mode }: { engine: LintEngine; mode: Front['mode'] },
): string {
  const header = buildHeader({
    command: `breakwater render ${engine} --mode ${mode}`,
    version: '1.0.0',
    input: {},
  });
  return `${header.map((row) => `# ${row}\n`).join('')}\n${files[0]?.text ?? ''}`;
}

describe.each(targets)('what is rendered for $name', ({ engine, render, version }) => {
  it.each(Object.keys(samples))('lints clean: %s', async (name) => {
    const front = samples[name] ?? directFront;
    const rendered = render(front);
    // What an engine cannot do at all it refuses, and says why.
    if (!rendered.ok) {
      expect(renderDiagnostics(rendered.error)).toContain('E_RENDER_UNSUPPORTED');
      return;
    }
    const text = withHeader(rendered.value, { engine, mode: front.mode });
    const options = version === undefined ? { engine } : { engine, version };
    const named = front.routes.map(({ path }) => lintText(text, { ...options, path }));
    const reports = await Promise.all([...named, lintText(text, options)]);
    const found = reports.map(({ findings }) => findings);
    const told = found
      .flat()
      .map(({ id, severity, place, message }) => `${severity} ${id} ${place.line ?? 0}: ${message}`);
    expect([...new Set(told)]).toEqual([]);
  });
});

const path = fc.constantFrom('/mcp', '/api/mcp', '/sse', '/tools', '/');
const upstream = fc.record({
  kind: fc.constant('tcp' as const),
  secure: fc.boolean(),
  host: fc.constantFrom('127.0.0.1', '10.0.0.5', 'mcp', 'mcp.internal', '::1'),
  port: fc.constantFrom(80, 8000, 8443),
  path: fc.constantFrom('/mcp', '/', '/mcp/', '/v1/mcp'),
  ca: fc.constantFrom(undefined, '/etc/ssl/ca.pem'),
  weight: fc.constantFrom(1, 3),
});
const route = fc.record({
  path,
  upstreams: fc.uniqueArray(upstream, {
    minLength: 1,
    maxLength: 3,
    selector: ({ host, port }) => `${host} ${port}`,
  }),
  protected: fc.boolean(),
  metadataPaths: fc.constantFrom([], ['/.well-known/oauth-protected-resource']),
});
const anyFront: fc.Arbitrary<Front> = fc
  .record({
    mode: fc.constantFrom('direct' as const, 'front' as const),
    names: fc.constantFrom([], ['mcp.example.com'], ['*.example.com', '2001:db8::1']),
    plainHttp: fc.constantFrom(undefined, { host: '0.0.0.0', port: 80 }),
    routes: fc.uniqueArray(route, { minLength: 1, maxLength: 3, selector: (each) => each.path }),
    tlsPolicy: fc.constantFrom('intermediate' as const, 'modern' as const),
    http2: fc.boolean(),
    origins: fc.constantFrom([], ['https://app.example.com']),
    trustedProxies: fc.constantFrom([], ['10.0.0.0/8']),
    authz: fc.constantFrom(undefined, { host: '127.0.0.1', port: 9180 }),
    bodyBytes: fc.constantFrom(65_536, 16_777_216),
    stream: fc.constantFrom(60_000, 86_400_000),
  })
  .map(({ bodyBytes, stream, ...facts }) => ({
    ...directFront,
    ...facts,
    // Behind an engine in mode `front` there is one Breakwater.
    routes:
      facts.mode === 'front'
        ? facts.routes.map((each) => ({ ...each, upstreams: breakwaterUpstreams }))
        : facts.routes,
    limits: { ...directFront.limits, bodyBytes },
    timeouts: { ...directFront.timeouts, stream },
  }));
const breakwaterUpstreams = breakwaterFront.routes[0]?.upstreams ?? [];

describe('whatever is rendered', () => {
  it.each(targets)('lints clean: $name', async ({ engine, render, version }) => {
    let written = 0;
    await fc.assert(
      fc.asyncProperty(anyFront, async (front) => {
        const rendered = render(front);
        if (!rendered.ok) return;
        written += 1;
        const text = withHeader(rendered.value, { engine, mode: front.mode });
        const { findings } = await lintText(text, {
          engine,
          path: front.routes[0]?.path ?? '/',
          ...(version === undefined ? {} : { version }),
        });
        expect(findings.map(({ id, place }) => `${id} ${place.sourceLine ?? ''}`)).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(written).toBeGreaterThan(20);
  });
});

describe('a file that only looks like ours', () => {
  it('is lint-free by its header in nothing but what was decided elsewhere', async () => {
    const header = '# Rendered by Breakwater 1.0.0: breakwater render nginx --mode direct\n';
    const text = `${header}server {\n    listen 443 ssl;\n    location /mcp { proxy_pass http://mcp/; }\n}\n`;
    const { findings } = await lintText(text);
    const ids = findings.map(({ id }) => id);
    expect(ids).not.toContain('nginx-no-access-control');
    expect(ids).toContain('nginx-proxy-pass-uri');
    expect(ids).toContain('nginx-no-origin-guard');
  });

  it('control: without the header nobody has decided', async () => {
    const { findings } = await lintText(
      'server {\n    listen 443 ssl;\n    location /mcp { proxy_pass http://mcp/; }\n}\n',
    );
    expect(findings.map(({ id }) => id)).toContain('nginx-no-access-control');
  });
});
