import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderProblems } from '../../../src/lib/diagnostic-text.ts';
import { detectEngine } from '../../../src/render/lint/detect-engine.ts';
import { walk } from '../../../src/render/lint/directive.ts';
import { toProblem } from '../../../src/render/lint/finding-form.ts';
import { lintEngines } from '../../../src/render/lint/finding.ts';
import { engineLints } from '../../../src/render/lint/findings.ts';
import { fixConfiguration } from '../../../src/render/lint/fix.ts';
import { lintConfiguration } from '../../../src/render/lint/lint.ts';
import { createSource } from '../../../src/render/lint/source.ts';
import { engineCases } from './cases/engine-cases.ts';
import { memoryFiles } from './lint-text.ts';

/** Pieces that the syntaxes are made of, so that random texts get deep into the readers and the rules. */
const pieces = [
  '{',
  '}',
  '{',
  '}',
  ';',
  '\n',
  '\n',
  ' ',
  '\t',
  '"',
  "'",
  '`',
  '\\',
  '\\\n',
  '#',
  '$',
  '${',
  '(',
  ')',
  '<',
  '>',
  '</',
  '<<EOF\n',
  '*',
  '@',
  '!',
  '[',
  '^',
  'server ',
  'location ',
  'http ',
  'upstream ',
  'proxy_pass ',
  'http://a/',
  'map ',
  'if ',
  'include ',
  '= /mcp ',
  '/mcp',
  '/sse',
  'import ',
  'reverse_proxy ',
  'handle ',
  'handle_path ',
  'encode ',
  'transport ',
  'header ',
  '(mcp) ',
  'mcp.example.com ',
  'frontend ',
  'backend mcp\n',
  'defaults\n',
  'server a 1.2.3.4:80 ',
  'use_backend mcp if ',
  'acl x path_beg ',
  'timeout client 1s\n',
  '<VirtualHost *:443>',
  '</VirtualHost>',
  'ProxyPass ',
  '<Location ',
  'RewriteRule ',
  '[R,L]',
  'content_by_lua_block ',
  'proxy_set_header ',
  'add_header ',
  'mode http\n',
  '\u0000',
  'ÿ',
  '𝒳',
  '0',
  '999999999999999999999',
];
const text = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 80 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const engine = fc.constantFrom(...lintEngines);

/** A clean configuration with a stretch of it replaced: nearly right. */
const damaged = fc
  .record({ name: engine, at: fc.nat(), length: fc.nat(60), text })
  .map(({ name, at, length, text: piece }) => {
    const { clean } = engineCases[name];
    const start = at % clean.length;
    return { name, text: `${clean.slice(0, start)}${piece}${clean.slice(start + length)}` };
  });

const input = fc.oneof(fc.record({ name: engine, text }), damaged);

describe('whatever is written', () => {
  it('is read to its end, and every place lies in the text', () => {
    fc.assert(
      fc.property(input, ({ name, text: written }) => {
        const source = createSource('x', written);
        const tree = engineLints[name].syntax.parse(source);
        for (const { start, end, args } of walk(tree.directives)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(written.length);
          for (const word of args) expect(word.start).toBeLessThanOrEqual(word.end);
        }
        for (const { start, message } of tree.problems) {
          expect(start).toBeLessThanOrEqual(written.length);
          expect(message).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is linted and corrected without a throw, and drawn', async () => {
    await fc.assert(
      fc.asyncProperty(
        input,
        fc.option(fc.constantFrom('/mcp', '/', '/a/b')),
        async ({ name, text: written }, path) => {
          detectEngine('x', written);
          const options = {
            file: '/x',
            bytes: Buffer.from(written),
            engine: name,
            files: memoryFiles({ '/a': 'include a;', '/x': written }),
            ...(path === null ? {} : { path }),
          };
          const linted = await lintConfiguration(options);
          if (!linted.ok) {
            expect(linted.error).not.toEqual([]);
            return;
          }
          renderProblems(linted.value.findings.map(toProblem), { width: 80 });
          if (name === 'nginx') await fixConfiguration(options, linted.value);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['nginx', '{'.repeat(200_000)],
    ['nginx', 'a{'.repeat(200_000)],
    ['nginx', '"'.repeat(200_000)],
    ['nginx', `location ~ ${'(a+)+'.repeat(2000)}$ { proxy_pass http://mcp; }`],
    ['nginx', `location ~ ^(?:[^x]|[^x])*y$ { proxy_pass http://mcp; }`],
    ['nginx', `location ~ ${'.*'.repeat(400)}x { proxy_pass http://mcp; }`],
    [
      'nginx',
      `log_format a '${'$arg_'.repeat(100_000)}'; server { access_log x a; location /mcp { proxy_pass http://mcp; } }`,
    ],
    [
      'nginx',
      `server { location /mcp { content_by_lua_block { ${'$http_'.repeat(100_000)} } proxy_pass http://mcp; } }`,
    ],
    ['apache', `RewriteRule ^/mcp http://mcp/ ${'['.repeat(500_000)}\n`],
    [
      'haproxy',
      `frontend a\nmode http\nuse_backend mcp if ${'path_beg '.repeat(50_000)}\nbackend mcp\nserver a b\n`,
    ],
    ['caddy', `a.b {\nreverse_proxy mcp {\ntransport http {\nread_timeout ${'1'.repeat(500_000)}\n}\n}\n}\n`],
    ['caddy', 'a {\n'.repeat(100_000)],
    ['caddy', '<<A\n'.repeat(100_000)],
    ['caddy', '\\\n'.repeat(200_000)],
    ['apache', '<A>\n'.repeat(100_000)],
    ['apache', 'A \\\n'.repeat(100_000)],
    ['nginx', 'server{location /{proxy_pass http://a;}}\n'.repeat(24_000)],
    [
      'nginx',
      'upstream mcp{server a;}server{listen 80;location /mcp{proxy_pass http://mcp;}}\n'.repeat(12_000),
    ],
    ['caddy', 'a.example.com {\nreverse_proxy mcp:80\n}\n'.repeat(24_000)],
    ['apache', 'ProxyPass /mcp http://mcp:80/\n'.repeat(11_000)],
    ['apache', '<Location /mcp>\nProxyPass http://mcp:80/\n</Location>\n'.repeat(6000)],
    [
      'haproxy',
      'defaults\nmode http\nfrontend a\ndefault_backend mcp\nbackend mcp\nserver a 127.0.0.1:80\n'.repeat(
        10_000,
      ),
    ],
    ['haproxy', 'frontend a\n'.repeat(50_000)],
    ['haproxy', `frontend a\n${' use_backend mcp if a\n'.repeat(2000)}`],
  ] as const)('ends soon for a hostile text of %s', { timeout: 20_000 }, async (name, written) => {
    const started = performance.now();
    await lintConfiguration({ file: '/x', bytes: Buffer.from(written), engine: name, files: memoryFiles() });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
