import { suggestion } from '../../lib/suggestion.ts';
import type { EngineLint } from './engine-lint.ts';
import type { FindingEntry, LintEngine } from './finding.ts';
import { apacheLint } from './apache/rules.ts';
import { caddyLint } from './caddy/rules.ts';
import { haproxyLint } from './haproxy/rules.ts';
import { nginxLint } from './nginx/rules.ts';

/** The engines and their rules. */
export const engineLints: Readonly<Record<LintEngine, EngineLint>> = {
  nginx: nginxLint,
  caddy: caddyLint,
  haproxy: haproxyLint,
  apache: apacheLint,
};

/** The one table of everything that `lint` can find, engine after engine. */
export const findingTable: readonly FindingEntry[] = Object.values(engineLints).flatMap(({ rules }) => rules);

export function findEntry(id: string): FindingEntry | undefined {
  return findingTable.find((entry) => entry.id === id);
}

/** The id that a misspelled one is closest to. */
export function suggestFinding(id: string): string | undefined {
  return suggestion(
    id,
    findingTable.map((entry) => entry.id),
  );
}
