import { describe, expect, it } from 'vitest';
import { printConfig } from '../../src/config/print.ts';
import { toRouteId } from '../../src/config/route-id.ts';
import { configOf, loadText, problemsOf } from './load-text.ts';

const domains = 'domains: [a.example.com, b.example.com]\n';

describe('the host of a route', () => {
  it('is read in each of its spellings, one route for each of a list', async () => {
    const config = await configOf(`
domains: [a.example.com, "*.example.com", 2001:db8::7, bücher.example, other.example]
tls: { cert: c.pem, key: k.pem }
routes:
  - { host: A.EXAMPLE.COM, upstream: 8000 }
  - { host: ["*.Example.com", 2001:DB8:0::7, Bücher.example, bücher.example], upstream: 8001 }
  - { upstream: 8002 }
`);
    expect(config.routes.map(toRouteId)).toEqual([
      'a.example.com/mcp',
      '*.example.com/mcp',
      '[2001:db8::7]/mcp',
      'xn--bcher-kva.example/mcp',
      '/mcp',
    ]);
  });

  it.each([
    ['a domain', 'domains: [a.test]', 'a.test'],
    ['below a wildcard', 'domains: ["*.mcp.test"]\ntls: { cert: c.pem, key: k.pem }', 'a.mcp.test'],
    ['a wildcard itself', 'domains: ["*.mcp.test"]\ntls: { cert: c.pem, key: k.pem }', '*.mcp.test'],
    ['a further Host', 'hosts: ["a.test:8443"]', 'a.test'],
    ['the public URL', 'public_url: https://a.test:8443', 'a.test'],
    ['loopback', 'listen: 127.0.0.1:8443', 'localhost'],
    ['the address that is listened on', 'listen: 192.0.2.7:8443', '192.0.2.7'],
    [
      'unknown before it is asked for',
      'tls: { acme: { on_demand: { ask: "http://127.0.0.1:9/ask" } } }',
      'a.test',
    ],
  ])('may be %s', async (_name, text, host) => {
    const config = await configOf(`${text}\nroutes: [{ host: "${host}", upstream: 8000 }]\n`);
    expect(config.routes.map((route) => route.host)).toEqual([host]);
  });

  it.each([
    ['another name', 'domains: [a.test]', 'b.test'],
    [
      'two labels below a wildcard',
      'domains: ["*.mcp.test"]\ntls: { cert: c.pem, key: k.pem }',
      'a.b.mcp.test',
    ],
    ['wider than what is served', 'domains: [a.mcp.test]', '*.mcp.test'],
    ['of loopback where that is not listened on', 'listen: 192.0.2.7:8443', 'localhost'],
  ])('control: may not be %s', async (_name, text, host) => {
    const problems = await problemsOf(`${text}\nroutes: [{ host: "${host}", upstream: 8000 }]\n`);
    expect(problems).toEqual([
      `E_CONFIG_CONFLICT: \`${host}\` is the host of a route, but no name of this gateway`,
    ]);
  });

  it('is printed as it was written, and means the same when it is read again', async () => {
    const text = `${domains}routes:
  - { host: a.example.com, upstream: 8000 }
  - { host: [b.example.com], upstream: 8000 }
  - { path: /two, host: [a.example.com, b.example.com], upstream: 8000, auth: none }
  - { path: /three, upstream: 8000, rules: [{ allow: [x] }] }
limits: { rates: [{ per: route, requests: 5, routes: [/mcp] }] }
`;
    const loaded = await loadText(text);
    if (!loaded.ok) throw new Error('not valid');
    const { config, provenance } = loaded.value;
    const printed = printConfig(config, provenance);
    expect(printed.match(/^  - path/gm)).toHaveLength(4);
    expect(printed).toMatch(/host: a\.example\.com +# breakwater\.yaml:3:13/);
    expect(printed).toMatch(/- path: \/three +# breakwater\.yaml:6:13/);
    expect(await configOf(printed)).toEqual(config);
  });
});

describe('limits of routes with hosts', () => {
  const routes = `${domains}routes:
  - { host: a.example.com, upstream: 8000 }
  - { host: b.example.com, upstream: 8001 }
  - { path: /x, upstream: 8002 }
`;
  const limitOn = (names: string): string =>
    `${routes}limits: { rates: [{ per: address, requests: 5, routes: ${names} }] }\n`;

  it('name all with a path, or one by its host', async () => {
    const idsFor = async (names: string): Promise<unknown> =>
      (await configOf(limitOn(names))).limits.rates[0]?.routes;
    expect(await idsFor('[/mcp]')).toEqual(['a.example.com/mcp', 'b.example.com/mcp']);
    expect(await idsFor('[b.example.com/mcp/, /x]')).toEqual(['b.example.com/mcp', '/x']);
  });

  it('control: a host that the path does not have is a mistake', async () => {
    const problems = await problemsOf(limitOn('[a.example.com/x]'));
    expect(problems).toEqual(['E_CONFIG_CONFLICT: `limits.rates[0]` names a route that does not exist']);
  });
});
