import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../../src/lib/diagnostic.ts';
import type { Result } from '../../../src/lib/result.ts';
import type { Front, FrontRoute } from '../../../src/render/front.ts';
import type { Rendered } from '../../../src/render/rendered.ts';
import { renderApache } from '../../../src/render/targets/apache.ts';
import { renderHaproxy } from '../../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../../src/render/targets/nginx.ts';
import { breakwaterFront, directFront, sampleRoute } from '../sample-fronts.ts';

type Renderer = (front: Front) => Result<Rendered, Diagnostic[]>;

const engines: readonly (readonly [string, Renderer])[] = [
  ['nginx', (front) => renderNginx(front, { dialect: '1.22' })],
  ['haproxy', renderHaproxy],
  ['apache', renderApache],
];
const route: FrontRoute = { ...sampleRoute, protected: false, metadataPaths: [] };
const open: Front = { ...directFront, routes: [route] };
const server = {
  kind: 'tcp',
  secure: false,
  host: '127.0.0.1',
  port: 8000,
  path: '/mcp',
  ca: undefined,
  weight: 1,
} as const;

const attacks: Readonly<Record<string, (text: string) => Front>> = {
  'a name': (text) => ({ ...open, names: [`a${text}`] }),
  'a wildcard': (text) => ({ ...open, names: [`*.a${text}`] }),
  'the public URL': (text) => ({ ...open, names: [], publicUrl: `https://a${text}` }),
  'an origin': (text) => ({ ...open, origins: [`https://a${text}`] }),
  'the host of a server': (text) => ({
    ...open,
    routes: [{ ...route, upstreams: [{ ...server, host: `a${text}` }] }],
  }),
  'an address': (text) => ({ ...open, listen: { host: `a${text}`, port: 443 } }),
  'a proxy before it': (text) => ({ ...open, trustedProxies: [`a${text}`] }),
};

describe.each(engines)('%s', (_engine, render) => {
  it('renders the same without an attack', () => {
    expect(render(open)).toMatchObject({ ok: true });
  });

  describe.each(Object.entries(attacks))('config-injection: by %s', (_place, build) => {
    it.each([';break', '{', '}', '"x', "'x", '$host', '%[src]', '#x', ' x', '\nx', '|x', '\\x'])(
      '%j',
      (text) => {
        expect(render(build(text))).toMatchObject({
          ok: false,
          error: [{ code: 'E_RENDER_UNSUPPORTED' }],
        });
      },
    );
  });

  it.each(['\n', '\r', '\0'])('config-injection: refuses %j in the name of a file', (text) => {
    const cert = `/etc/a${text}b.pem`;
    expect(render({ ...open, certificate: { cert, key: '/etc/key.pem' } })).toMatchObject({
      ok: false,
    });
  });

  it('fail-open: renders nothing where callers must be known and nobody can be asked', () => {
    const front: Front = { ...open, authz: undefined, routes: [{ ...route, protected: true }] };
    expect(render(front)).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
    expect(render(breakwaterFront)).toMatchObject({ ok: true });
  });
});

describe('the weights of several servers', () => {
  const withWeights = (...weights: number[]): Front => ({
    ...open,
    routes: [
      {
        ...route,
        upstreams: weights.map((weight, index) => ({ ...server, port: 8000 + index, weight })),
      },
    ],
  });
  const textOf = (result: ReturnType<Renderer>): string =>
    result.ok ? (result.value.files[0]?.text ?? '') : '';

  it('are those of HAProxy, in their proportion where it knows none so large', () => {
    const weights = (front: Front): string[] =>
      [...textOf(renderHaproxy(front)).matchAll(/^ *server s\d.* weight (\d+)/gm)].map(
        ([, weight = '']) => weight,
      );
    expect(weights(withWeights(1, 3))).toEqual(['1', '3']);
    expect(weights(withWeights(1, 500, 1000))).toEqual(['1', '128', '256']);
    expect(weights(withWeights(1, 1))).toEqual([]);
  });

  it('are those of nginx', () => {
    const text = textOf(renderNginx(withWeights(1, 3), { dialect: '1.22' }));
    expect(text).toContain('server 127.0.0.1:8000;');
    expect(text).toContain('server 127.0.0.1:8001 weight=3;');
  });
});
