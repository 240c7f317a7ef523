import { describe, expect, it } from 'vitest';
import type { Front } from '../../../src/render/front.ts';
import { renderApache } from '../../../src/render/targets/apache.ts';
import { renderHaproxy } from '../../../src/render/targets/haproxy.ts';
import { renderNginx } from '../../../src/render/targets/nginx.ts';
import { breakwaterFront, directFront } from '../sample-fronts.ts';

const engines = {
  nginx: (front: Front) => renderNginx(front, { dialect: '1.25' }),
  haproxy: renderHaproxy,
  apache: renderApache,
};

/** A file name ends up in the configuration as it is. */
function withCertificate(cert: string): Front {
  return { ...breakwaterFront, certificate: { cert, key: '/key.pem' } };
}

describe.each(Object.entries(engines))('%s', (name, render) => {
  it.each(['a\nb', 'a\r\nb', 'a\0b', 'a\u0085b'])('config-injection: a line end is refused: %j', (text) => {
    expect(render(withCertificate(`/tls/${text}.pem`)).ok).toBe(false);
  });

  it.each([
    ['nginx', '/tls/$host.pem'],
    ['haproxy', "/tls/it's.pem"],
    ['apache', '/tls/\u0024{HOME}.pem'],
    ['apache', '/tls/a"b.pem'],
  ])('config-injection: what cannot be quoted is refused: %s %s', (engine, cert) => {
    // What one cannot write, another may.
    expect([engine, render(withCertificate(cert)).ok]).not.toEqual([name, true]);
  });

  it('config-injection: what can be quoted is', () => {
    const rendered = render(withCertificate('/tls/a b;{}#.pem'));
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
    // HAProxy is given a file of the folder.
    const expected = name === 'haproxy' ? 'crt /tls/haproxy.pem' : '"/tls/a b;{}#.pem"';
    expect(rendered.value.files[0]?.text).toContain(expected);
  });

  it('open-door: a protected route that nobody is asked about is refused', () => {
    const rendered = render({ ...directFront, authz: undefined });
    expect(rendered).toMatchObject({ ok: false, error: [{ code: 'E_RENDER_UNSUPPORTED' }] });
    // The control: with Breakwater behind it, it is rendered.
    expect(render(breakwaterFront).ok).toBe(true);
  });
});
