import { describe, expect, it } from 'vitest';
import { judge } from '../../src/doctor/judge.ts';
import { recogniseFront } from '../../src/doctor/recognise-front.ts';
import { formatHtml } from '../../src/doctor/report/html.ts';
import { formatJunit } from '../../src/doctor/report/junit.ts';
import { formatSarif } from '../../src/doctor/report/sarif.ts';
import { formatText } from '../../src/doctor/report/text.ts';
import { fixFor } from '../../src/doctor/fixes.ts';
import { parseChallenge } from '../../src/doctor/probe/parse-challenge.ts';
import { answered, buildFacts } from './facts-builder.ts';

/** What an endpoint writes to whoever reads the report. */
const hostile = '\u001B[2J]]><script>alert(1)</script>\u0000"\'&';
const report = judge(
  buildFacts({
    exchanges: {
      initialize: answered({
        rpc: { kind: 'result', id: 1, protocolVersion: '2025-11-25', server: hostile },
        fields: { server: `evil/1.0 ${hostile}` },
      }),
    },
  }),
);

/** Control characters of a text besides the allowed ones. */
function listControls(text: string, allowed: string): readonly string[] {
  return Array.from(text).filter((character) => character < ' ' && !allowed.includes(character));
}

describe('what an endpoint writes stays text', () => {
  it('control: it is in the report', () => {
    expect(report.results.find(({ id }) => id === 'http-version-told')?.seen).toContain('<script>');
  });

  it('terminal-escape: it does not steer the terminal', () => {
    const text = formatText(report, { color: false, unicode: true, width: 100, verbose: true });
    expect(text).toContain('evil/1.0');
    expect(listControls(text, '\n')).toEqual([]);
  });

  it('stored-xss: it is no markup of the page', () => {
    const page = formatHtml(report);
    expect(page).toContain('evil/1.0');
    expect(page).not.toContain('<script');
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/(?:src|href)=/);
  });

  it('xml-injection: it is no markup of JUnit, and nothing that XML cannot hold', () => {
    const xml = formatJunit(
      judge(buildFacts({ facts: { target: { ...buildFacts().target, url: `https://x/${hostile}` } } })),
    );
    expect(xml).not.toContain('<script');
    expect(listControls(xml, '\t\n\r')).toEqual([]);
  });

  it('SARIF is JSON of its version, with a rule for each check', () => {
    const log: unknown = JSON.parse(formatSarif(report));
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'breakwater doctor' } } }],
    });
    expect(JSON.stringify(log)).toContain('"ruleId":"http-version-told"');
    expect(JSON.stringify(log)).toContain('"suppressions":[]');
  });
});

describe('the front', () => {
  it.each([
    ['nginx', { fields: { server: 'nginx/1.22.1' } }, '1.22.1'],
    ['nginx', { body: '<center>nginx</center>' }, undefined],
    ['apache', { fields: { server: 'Apache/2.4.58 (Debian)' } }, '2.4.58'],
    ['caddy', { fields: { via: '1.1 Caddy' } }, undefined],
    ['envoy', { fields: { 'x-envoy-upstream-service-time': '3' } }, undefined],
    [
      'haproxy',
      {
        body: '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>',
      },
      undefined,
    ],
    ['alb', { fields: { server: 'awselb/2.0' } }, '2.0'],
    ['breakwater', { body: '{"data":{"reason":"E_ROUTE_UNKNOWN"}}' }, undefined],
  ] as const)('%s is known by %j', (name, changes, version) => {
    const front = recogniseFront(buildFacts({ exchanges: { 'unknown-path': answered(changes) } }));
    expect(front.name).toBe(name);
    expect(front.version).toBe(version);
  });

  it('the outermost counts, and nothing is made up', () => {
    const both = answered({ fields: { server: 'nginx', 'cf-ray': '8f1' } });
    expect(recogniseFront(buildFacts({ exchanges: { root: both } })).name).toBe('cloudflare');
    expect(recogniseFront(buildFacts()).name).toBeUndefined();
  });
});

describe('a fix', () => {
  const { target } = buildFacts();

  it.each([
    ['nginx', 'long-streams', /proxy_read_timeout 86400s;/],
    ['caddy', 'hsts', /Strict-Transport-Security/],
    ['apache', 'hsts', /Strict-Transport-Security/],
    ['haproxy', 'long-streams', /timeout/],
    ['nginx', 'session-affinity', /breakwater render nginx --mode front/],
    ['cloudflare', 'heartbeat', /comment/],
    ['alb', 'long-streams', /idle_timeout/],
    ['breakwater', 'body-limit', /limits/],
    ['envoy', 'hsts', /breakwater render envoy/],
  ] as const)('for %s and %s is precise', (front, requirement, pattern) => {
    expect(fixFor(front, requirement, target).join('\n')).toMatch(pattern);
  });

  it('lines-injection: a path that an address brings along is not pasted', () => {
    const lines = fixFor('nginx', 'exact-path', { ...target, path: '/mcp;}evil{' });
    expect(lines.join('\n')).not.toContain('evil');
    expect(fixFor('nginx', 'exact-path', { ...target, path: '/tools/mcp' }).join('\n')).toContain(
      'location = /tools/mcp',
    );
  });
});

describe('a challenge', () => {
  it.each([
    ['Bearer', 'Bearer', {}],
    [
      'Bearer realm="x", resource_metadata="https://a/b,c"',
      'Bearer',
      { realm: 'x', resource_metadata: 'https://a/b,c' },
    ],
    ['Basic realm="x", Bearer scope=read', 'Bearer', { scope: 'read' }],
    ['Negotiate', 'Negotiate', {}],
    ['Bearer error="a\\"b"', 'Bearer', { error: 'a"b' }],
  ])('%s', (field, scheme, parameters) => {
    expect(parseChallenge(field)).toMatchObject({ scheme, parameters });
  });

  it('is none without a field', () => {
    expect(parseChallenge(undefined)).toBeUndefined();
  });
});
