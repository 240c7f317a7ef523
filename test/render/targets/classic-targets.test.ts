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
