import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Front } from '../../../src/render/front.ts';
import { renderTraefik } from '../../../src/render/targets/traefik.ts';
import { breakwaterFront, directFront, fullFront, sampleRoute } from '../sample-fronts.ts';

function dynamicOf(front: Front): Record<string, Record<string, Record<string, Record<string, unknown>>>> {
  const rendered = renderTraefik(front);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  // Only what the tests name is looked at.
  return parse(rendered.value.files[1]?.text ?? '') as ReturnType<typeof dynamicOf>;
}

describe('a configuration of Traefik', () => {
  it('asks who calls before credentials and path are replaced', () => {
    expect(dynamicOf(directFront)['http']?.['routers']?.['endpoint1']?.['middlewares']).toEqual([
      'answers',
      'claims',
      'flood',
      'ask',
      'strip',
      'endpoint1-path',
    ]);
  });

  it('is not rendered where a protected route would be open', () => {
    const rendered = renderTraefik({ ...directFront, authz: undefined });
    expect(rendered).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
  });

  it('is not rendered for servers on Unix sockets', () => {
    expect(renderTraefik(fullFront)).toMatchObject({
      ok: false,
      error: [{ message: 'Traefik cannot connect to the Unix socket of `/`' }],
    });
  });

  it('leaves Origin, Host and paths to Breakwater where that stands behind it', () => {
    const { routers, services } = dynamicOf(breakwaterFront)['http'] ?? {};
    expect(Object.keys(routers ?? {})).not.toContain('endpoint1-foreign');
    expect(services?.['endpoint1']?.['loadBalancer']).toMatchObject({
      passHostHeader: true,
      servers: [{ url: 'https://127.0.0.1:8443' }],
    });
  });

  it('says that bodies have no limit, and that nobody puts credentials in place of those of the caller', () => {
    const rendered = renderTraefik(directFront);
    const told = rendered.ok ? rendered.value.warnings.map(({ requirement }) => requirement) : [];
    expect(told).toEqual(expect.arrayContaining(['body-limit', 'access-control']));
  });
});

describe('attacks through names', () => {
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['template injection', '/etc/{{ env "SECRET" }}.pem'],
    ['rule injection', 'a`) || PathPrefix(`/'],
    ['key injection by a line break', '/etc/x.pem\nhttp: {}'],
  ];

  it.each(cases)('%s: nothing is rendered for such a certificate', (_name, cert) => {
    expect(renderTraefik({ ...directFront, certificate: { cert, key: '/k.pem' } }).ok).toBe(false);
  });

  it.each(cases)('%s: nor for such a name', (_name, name) => {
    expect(renderTraefik({ ...directFront, names: [name] }).ok).toBe(false);
  });

  it.each(["/etc/it's: [x].pem", '/etc/"x" # y.pem', '/etc/*x.pem', '& !x', '$HOME'])(
    'YAML breakout: %s is read back as it was',
    (cert) => {
      const { tls } = dynamicOf({ ...directFront, certificate: { cert, key: '/k.pem' } });
      expect(tls?.['certificates']).toEqual([{ certFile: cert, keyFile: '/k.pem' }]);
    },
  );

  it('pattern widening: dots of wildcards match dots alone', () => {
    const { routers } =
      dynamicOf({ ...directFront, names: ['*.example.com'], routes: [sampleRoute] })['http'] ?? {};
    expect(routers?.['endpoint1']?.['rule']).toContain('HostRegexp(`^[a-z0-9_-]+\\.example\\.com$`)');
  });
});
