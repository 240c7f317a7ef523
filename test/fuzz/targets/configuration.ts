import { loadText } from '../../config/load-text.ts';
import { printConfig } from '../../../src/config/print.ts';
import type { Diagnostic, Place } from '../../../src/lib/diagnostic.ts';
import { renderDiagnostics } from '../../../src/lib/diagnostic-text.ts';
import type { Random } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

const secret = '5ec2e7'.repeat(10) + '5ec2';
const valid = `listen: 0.0.0.0:443
domains: [mcp.example.com]
origins:
  - https://app.example.com
routes:
  - path: /mcp   # the tools
    upstream: http://127.0.0.1:8000/mcp
    auth: &lock { keys: [{ name: "ci", sha256: ${secret} }] }
  - path: /other
    upstream: unix:/run/x.sock:/mcp
    auth: *lock
timeouts: { heartbeat: 10s }
limits:
  body: 1MiB
`;
const keys = [
  'listen',
  'domains',
  'hosts',
  'origins',
  'tls',
  'http2',
  'routes',
  'trusted_proxies',
  'proxy_protocol',
  'limits',
  'timeouts',
  'keep_alive',
  'sessions',
  'workers',
  'log',
  'path',
  'upstream',
  'auth',
  'keys',
  'name',
  'sha256',
  'body',
  'head',
  'heartbeat',
  'json',
  'level',
  'state',
  'redis',
  'state_dir',
  'danger_allow_public',
  'rutes',
  '__proto__',
  '',
];
const values = [
  'none',
  '8000',
  '127.0.0.1:1',
  '"[::1]:443"',
  '/mcp',
  '10s',
  '16KiB',
  'null',
  '~',
  'true',
  '-1',
  '3.5',
  '1e999',
  '.nan',
  '""',
  'https://a.example',
  'http://u:p@h/x',
  '[a, b]',
  '{ a: 1 }',
  '*lock',
  '&a x',
  '!x y',
  '|\n  text',
  '"\\u0000"',
  '0.0.0.0/0',
  '::/0',
  '99999999999999999999',
  '0x10',
  "'it''s'",
  'unix:/x',
  '@',
  '%',
  '- a',
  '? a',
];

/** The loader of configuration files: a configuration or problems, each at a place that exists, and never the secret. */
export function createConfigurationTarget(load: typeof loadText = loadText): FuzzTarget {
  return {
    name: 'configuration',
    seeds: [valid, 'routes: [{ path: /mcp, upstream: http://127.0.0.1:1/mcp }]\n', ''],
    tokens: [
      '[',
      ']',
      '{',
      '}',
      ': ',
      '- ',
      '&a ',
      '*a',
      '*lock',
      '"',
      "'",
      '|\n',
      '>\n',
      '? ',
      '!x ',
      '!!binary ',
      '%',
      '@',
      '\t',
      '\r\n',
      '\n',
      '\r',
      '#',
      '---\n',
      '...\n',
      '\xe2\x80\xa8',
      '\xf0\x9f\xa6\x8a',
      '\xef\xbb\xbf',
      '<<: ',
      '\0',
      ...keys.map((key) => `${key}: `),
      ...values,
    ],
    generate: (random) => (random.oneIn(2) ? valid : buildTree(random, 0)),
    maxBytes: 1200,
    async check(input) {
      // What is no text in UTF-8 is refused before it is read.
      const text = input.toString('utf8');
      const loaded = await load(text, { env: {} });
      const shown = loaded.ok ? loaded.value.warnings : loaded.error;
      for (const problem of shown) checkProblem(problem, text.replace(/^\ufeff/, ''));
      const rendered = renderDiagnostics(shown, { width: 80 });
      if (isSecretIn(text)) hold(!rendered.includes(secret), 'the secret is never shown', () => rendered);
      if (!loaded.ok) {
        hold(
          shown.some(({ severity }) => severity === 'error'),
          'a refusal names an error',
          () => text,
        );
        const codes = [...new Set(shown.map(({ code, label = '' }) => `${code} ${label.slice(0, 12)}`))];
        return codes.toSorted().slice(0, 3).join(' ');
      }
      const { config, provenance } = loaded.value;
      hold(
        Object.isFrozen(config) && config.routes.every(Object.isFrozen),
        'a configuration is frozen',
        () => text,
      );
      for (const { path } of config.routes) hold(/^\/[^?#\s]*$/.test(path), 'a route has a path', () => path);
      // A printed configuration is one for a reader; that it can be printed at all is what is asked here.
      hold(printConfig(config, provenance).includes('routes:'), 'it can be printed', () => text);
      return `ok ${config.routes.length} ${config.routes.map(({ auth, upstreams }) => auth.kind + upstreams.map(({ target }) => target.kind).join('+')).join(' ')}`;
    },
  };
}

/** Only where the secret is the value of its key is it known for one. */
function isSecretIn(text: string): boolean {
  return new RegExp(`sha256: ${secret}(?= |\\n|$)`).test(text) && text.split(secret).length === 2;
}

function checkProblem(problem: Diagnostic, text: string): void {
  hold(/^[^\n]+$/.test(problem.message), 'a message is one line', () => problem);
  if (problem.code !== 'E_CONFIG_FILE') checkPlace(problem, text);
  if (problem.secondary !== undefined) checkPlace(problem.secondary, text);
}

function checkPlace(place: Place, text: string): void {
  const { file, line = 0, column = 0, length = 0, sourceLine = '' } = place;
  const source = text.split('\n')[line - 1]?.replace(/\r$/, '');
  const show = (): unknown => ({ place, text });
  hold(file === 'breakwater.yaml', 'a problem is in the file', show);
  hold(
    source !== undefined && sourceLine.length === source.length,
    'the line shown is that of the file',
    show,
  );
  hold(column >= 1 && column <= sourceLine.length + 1, 'the column lies in the line', show);
  hold(length >= 1 && column - 1 + length <= sourceLine.length + 1, 'the mark lies in the line', show);
}

function buildTree(random: Random, depth: number): string {
  const indent = '  '.repeat(depth);
  return random.repeat(1, 5, () => {
    const key = random.pick(keys);
    if (depth === 2 || random.oneIn(2)) return `${indent}${key}: ${random.pick(values)}\n`;
    if (random.oneIn(2)) return `${indent}${key}:\n${buildTree(random, depth + 1)}`;
    return `${indent}${key}:\n${indent}  - ${random.pick(keys)}: ${random.pick(values)}\n`;
  });
}
