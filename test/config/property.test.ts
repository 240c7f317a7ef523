import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Diagnostic, Place } from '../../src/lib/diagnostic.ts';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { sectionSchemas } from '../../src/config/schema/document.ts';
import { loadText } from './load-text.ts';

const valid = `listen: 0.0.0.0:443
domains: [mcp.example.com]
origins:
  - https://app.example.com
routes:
  - path: /mcp   # the tools
    upstream: http://127.0.0.1:8000/mcp
    auth: &lock { keys: [{ name: "ci", sha256: ${'5e'.repeat(32)} }] }
  - path: /other
    upstream: unix:/run/x.sock:/mcp
    auth: *lock
timeouts: { heartbeat: 10s }
`;

const pieces = [
  '[',
  ']',
  '{',
  '}',
  ': ',
  '- ',
  '&a ',
  '*a',
  '"',
  "'",
  '|\n',
  '? ',
  '!x ',
  '%',
  '@',
  '\t',
  '\r\n',
  '\n',
  '#',
  '---\n',
  '\u2028',
  '🦊',
  'null',
  '~',
  '1e999',
  '__proto__',
  '<<: ',
  '\0',
];

/** A valid file after some random cuts and insertions. */
const mutated = fc
  .array(
    fc.tuple(
      fc.nat(valid.length),
      fc.nat(12),
      fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((edits) =>
    edits.reduce((text, [at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut), valid),
  );

const value = fc.oneof(
  fc.constantFrom(
    'none',
    8000,
    '127.0.0.1:1',
    '/mcp',
    '10s',
    '16KiB',
    null,
    true,
    -1,
    3.5,
    '',
    'https://a.example',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const routes = fc.array(
  fc.oneof(value, fc.dictionary(fc.constantFrom('path', 'upstream', 'auth', 'x'), value, { maxKeys: 3 })),
  { maxLength: 3 },
);
/** A tree whose keys exist and whose values are anything. */
const shaped = fc
  .dictionary(fc.oneof(fc.constantFrom(...Object.keys(sectionSchemas)), fc.string({ maxLength: 8 })), value, {
    maxKeys: 6,
  })
  .chain((tree) =>
    fc.oneof(
      fc.constant(tree),
      routes.map((list) => ({ ...tree, routes: list })),
    ),
  )
  .map((tree) => stringify(tree));

const anything = fc.oneof(mutated, shaped, fc.string({ unit: 'binary', maxLength: 200 }));

describe('whatever the file contains', () => {
  it(
    'is a configuration or a list of problems, each at a place that exists',
    { timeout: 60_000 },
    async () => {
      let good = 0;
      await fc.assert(
        fc.asyncProperty(anything, async (text) => {
          const loaded = await loadText(text, { env: {} });
          if (loaded.ok) {
            good++;
            return Object.isFrozen(loaded.value.config);
          }
          expect(loaded.error.some(({ severity }) => severity === 'error')).toBe(true);
          for (const problem of loaded.error) checkProblem(problem, text.replace(/^\ufeff/, ''));
          return renderDiagnostics(loaded.error, { width: 80 }).endsWith('\n');
        }),
        { numRuns: 2000 },
      );
      expect(good).toBeGreaterThan(0);
    },
  );

  it('never reaches a prototype', async () => {
    const loaded = await loadText(
      '__proto__: { listen: 1 }\nconstructor: 2\nroutes: [{ __proto__: { upstream: 1 } }]\n',
    );
    expect(loaded.ok ? [] : loaded.error.map(({ code, line, column }) => [code, line, column])).toEqual([
      ['E_CONFIG_UNKNOWN_KEY', 1, 1],
      ['E_CONFIG_UNKNOWN_KEY', 2, 1],
      ['E_CONFIG_MISSING', 3, 10],
      ['E_CONFIG_UNKNOWN_KEY', 3, 12],
    ]);
  });

  it('attack: alias bomb', async () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]\n`,
    );
    const loaded = await loadText(`l0: &l0 [a]\n${levels.join('')}`);
    expect(loaded.ok ? [] : loaded.error.map(({ message }) => message)).toContain(
      'the configuration is too large or nested too deeply',
    );
  });

  it.each(['[', '{a: ', '- '])('attack: stack exhaustion by %j', async (piece) => {
    const loaded = await loadText(piece.repeat(20_000));
    expect(loaded.ok).toBe(false);
  });

  it('attack: circular alias', async () => {
    const loaded = await loadText('routes: &a [*a]\n');
    expect(loaded.ok).toBe(false);
  });
});

function checkProblem(problem: Diagnostic, text: string): void {
  expect(problem.message).toMatch(/^[^\n]+$/);
  if (problem.code !== 'E_CONFIG_FILE') checkPlace(problem, text);
  if (problem.secondary !== undefined) checkPlace(problem.secondary, text);
}

function checkPlace(place: Place, text: string): void {
  const { file, line = 0, column = 0, length = 0, sourceLine = '' } = place;
  expect(file).toBe('breakwater.yaml');
  const source = text.split('\n')[line - 1]?.replace(/\r$/, '');
  expect(source).toBeDefined();
  expect(sourceLine).toHaveLength(source?.length ?? -1);
  expect(column).toBeGreaterThanOrEqual(1);
  expect(column).toBeLessThanOrEqual(sourceLine.length + 1);
  expect(length).toBeGreaterThanOrEqual(1);
  expect(column - 1 + length).toBeLessThanOrEqual(sourceLine.length + 1);
}
