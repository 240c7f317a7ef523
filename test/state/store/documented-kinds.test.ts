import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { recordKinds } from '../../../src/state/store/kinds.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = join(root, 'docs/state.md');

const isRow = (line: string): boolean => /^\| `[A-Z]\w+` \|/.test(line);

function buildRows(): readonly string[] {
  return Object.entries(recordKinds).map(
    ([name, { content, lifetime, leak }]) => `| \`${name}\` | ${content} | ${lifetime} | ${leak} |`,
  );
}

/** With UPDATE=1 the page is brought up to date instead. */
it('docs/state.md has each kind of record as the table of the code has it', () => {
  const lines = readFileSync(page, 'utf8').split('\n');
  const first = lines.findIndex(isRow);
  if (process.env['UPDATE'] === '1') {
    const rest = lines.filter((line) => !isRow(line));
    writeFileSync(page, [...rest.slice(0, first), ...buildRows(), ...rest.slice(first)].join('\n'));
  }
  expect(readFileSync(page, 'utf8').split('\n').filter(isRow)).toEqual(buildRows());
});

it('what a lifetime is set by is a setting', () => {
  const settings = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  const named = Object.values(recordKinds).flatMap(({ lifetime }) =>
    [...lifetime.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
  expect(named.filter((name) => !settings.includes(`| \`${name}\` |`))).toEqual([]);
  // Control: some are named.
  expect(named).toContain('sessions.idle_timeout');
});

it('no source names a kind that the table lacks', () => {
  const named = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('state/'))
    .flatMap((path) => {
      const source = readFileSync(join(root, 'src', path), 'utf8');
      const calls = /\bstore\??\.(?:get|put|delete|find|consume|deleteWhere|list|update)\(\s*'(\w+)'/g;
      const names = /\bconst (?:\w*Kind|KIND) = '([A-Z]\w+)'/g;
      return [...source.matchAll(calls), ...source.matchAll(names)].map(([, kind = '']) => kind);
    });
  expect(named.filter((kind) => !Object.hasOwn(recordKinds, kind))).toEqual([]);
  // Control: the search finds some.
  expect(named).toContain('ApiKey');
});
