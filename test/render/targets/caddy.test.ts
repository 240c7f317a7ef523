import { describe, expect, it } from 'vitest';
import type { Front } from '../../../src/render/front.ts';
import { renderCaddy } from '../../../src/render/targets/caddy.ts';
import { breakwaterFront, directFront, sampleRoute } from '../sample-fronts.ts';

function textOf(front: Front): string {
  const rendered = renderCaddy(front);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error));
  return rendered.value.files[0]?.text ?? '';
}

function problemsOf(front: Front): readonly string[] {
  const rendered = renderCaddy(front);
  return rendered.ok ? [] : rendered.error.map(({ message }) => message);
}

function withPath(path: string): Front {
  return {
    ...directFront,
    routes: [
      {
        ...sampleRoute,
        upstreams: [
          { kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path, ca: undefined, weight: 1 },
        ],
      },
    ],
  };
}

describe('a Caddyfile', () => {
  it('asks who calls before anything goes to the MCP server', () => {
    const text = textOf(directFront);
    expect(text.indexOf('rewrite /authz')).toBeGreaterThan(0);
    expect(text.indexOf('rewrite /authz')).toBeLessThan(text.indexOf('reverse_proxy 127.0.0.1:8000'));
  });

  it('rule confusion: sorts nothing, so that the path is asked about before it is rewritten', () => {
    expect(textOf(directFront)).not.toMatch(/^\s*handle /m);
  });

  it('is not rendered where a protected route would be open', () => {
    expect(problemsOf({ ...directFront, authz: undefined })).toEqual([
      'Caddy has nobody to ask who may call `/mcp`: the authz endpoint is off',
    ]);
  });

  it('asks nobody about a route that is open on purpose', () => {
    const text = textOf({ ...directFront, authz: undefined, routes: [{ ...sampleRoute, protected: false }] });
    expect(text).not.toContain('authz');
    expect(text).toContain('reverse_proxy 127.0.0.1:8000');
  });

  it('leaves Origin, Host and paths to Breakwater where that stands behind it', () => {
    const text = textOf(breakwaterFront);
    expect(text).not.toMatch(/@foreign|upstream\.hostport|^\s*rewrite /m);
    // Caddy 2.11 would give Breakwater its own address for the public name, and browsers would be refused.
    expect(text).toContain('header_up Host {http.request.hostport}');
    expect(text).toContain('tls_trusted_ca_certs /var/lib/breakwater/local-ca/root.pem');
    // The local authority signs for no public name.
    expect(text).toContain('tls_server_name 127.0.0.1');
  });

  it('does not turn the verification of Breakwater off', () => {
    expect(textOf(breakwaterFront)).not.toContain('insecure');
  });

  it.each(['/serve%2Fmcp', '/%7Emcp'])(
    'is not rendered for the path %s, which versions of Caddy spell differently',
    (path) => {
      expect(problemsOf(withPath(path))).toEqual([
        `Caddy cannot ask for \`${path}\`: it decodes or encodes it again, depending on its version`,
      ]);
    },
  );

  it('is not rendered for servers that want different paths', () => {
    const one = {
      kind: 'tcp',
      secure: false,
      host: '10.0.0.1',
      port: 8000,
      path: '/a',
      ca: undefined,
      weight: 1,
    } as const;
    const upstreams = [one, { ...one, host: '10.0.0.2', path: '/b' }];
    expect(problemsOf({ ...directFront, routes: [{ ...sampleRoute, upstreams }] })).toEqual([
      'Caddy cannot ask the servers of `/mcp` for different paths or in different ways',
    ]);
  });
});

describe('attacks through names', () => {
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['placeholder injection', '/etc/{env.SECRET}.pem'],
    ['environment injection', '/etc/{$SECRET}.pem'],
    ['block injection', '/etc/x.pem }\nrespond 200 {'],
    ['directive injection by a line break', '/etc/x.pem\nrespond 200'],
    ['quote breakout', '/etc/x`.pem'],
  ];

  it.each(cases)('%s: nothing is rendered for such a certificate', (_name, cert) => {
    expect(renderCaddy({ ...directFront, certificate: { cert, key: '/k.pem' } }).ok).toBe(false);
  });

  it.each(cases)('%s: nor for such a name', (_name, name) => {
    expect(renderCaddy({ ...directFront, names: [name] }).ok).toBe(false);
  });

  it.each(['/etc/two words.pem', '/etc/a"b.pem', '/etc/#x.pem', '/etc/back\\slash.pem', '@named', '$HOME'])(
    'argument splitting: %s stays one word',
    (cert) => {
      expect(textOf({ ...directFront, certificate: { cert, key: '/k.pem' } })).toContain(
        `tls \`${cert}\` /k.pem {`,
      );
    },
  );

  it('pattern widening: dots of names match dots alone', () => {
    const text = textOf({ ...directFront, names: ['a.example.com'], origins: ['https://b.example.com'] });
    expect(text).toContain('https://a\\.example\\.com|');
    expect(text).toContain('|https://b\\.example\\.com)$');
  });

  it('open redirect: the redirect of plain HTTP names the public URL', () => {
    expect(textOf(directFront)).toContain('redir @page `https://mcp.example.com{uri}` 308');
    const two = textOf({ ...directFront, names: ['a.example.com', 'b.example.com'] });
    expect(two).toContain('@stranger not host a.example.com b.example.com');
    expect(two).toContain('redir @page `https://{host}{uri}` 308');
  });
});
