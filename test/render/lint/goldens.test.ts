import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderProblems } from '../../../src/lib/diagnostic-text.ts';
import { lintEngines, type Finding, type LintEngine } from '../../../src/render/lint/finding.ts';
import { toProblem } from '../../../src/render/lint/finding-form.ts';
import { engineLints, findingTable } from '../../../src/render/lint/findings.ts';
import { requirements } from '../../../src/render/requirements.ts';
import { change, type Change, type FindingCase } from './cases/finding-case.ts';
import { engineCases } from './cases/engine-cases.ts';
import { lintText } from './lint-text.ts';

const folder = join(import.meta.dirname, 'goldens');
const rewrites = process.env['UPDATE'] === '1';

async function lintChanged(
  engine: LintEngine,
  entry: FindingCase,
  changes: readonly Change[],
): Promise<readonly Finding[]> {
  const { clean } = engineCases[engine];
  const { path, version } = entry;
  const { findings } = await lintText(change(clean, changes), {
    engine,
    ...(path === undefined ? {} : { path }),
    ...(version === undefined ? {} : { version }),
  });
  return findings;
}

describe('the table of findings', () => {
  it('has at least 45 rows, each with an id of its own that begins with the engine', () => {
    const ids = findingTable.map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(45);
    expect(new Set(ids).size).toBe(ids.length);
    for (const engine of lintEngines) {
      for (const { id } of engineLints[engine].rules)
        expect(id).toMatch(new RegExp(`^${engine}-[a-z0-9-]+$`));
    }
  });

  it('names a requirement and one short phrase in each', () => {
    for (const { requirement, title, breaks } of findingTable) {
      expect(requirements).toHaveProperty(requirement);
      expect(title).not.toMatch(/\.$/);
      expect(breaks ?? '').not.toMatch(/\.$/);
    }
  });

  it.each(lintEngines)('has one case for each finding of %s', (engine) => {
    const cases = engineCases[engine].cases.map(({ id }) => id);
    expect(cases.toSorted()).toEqual(engineLints[engine].rules.map(({ id }) => id).toSorted());
  });

  it.each(lintEngines)('finds nothing in a clean configuration of %s', async (engine) => {
    const { findings } = await lintText(engineCases[engine].clean, { engine });
    expect(findings.map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
  });
});

describe.each(lintEngines)('findings of %s', (engine) => {
  it.each(engineCases[engine].cases)('$id', async (entry) => {
    const found = await lintChanged(engine, entry, entry.bad);
    const own = found.filter(({ id }) => id === entry.id);
    expect(own, 'its case yields it').not.toEqual([]);
    const frames = renderProblems(own.map(toProblem), { width: 110 });
    const beside = [...new Set(found.map(({ id }) => id).filter((id) => id !== entry.id))].toSorted();
    const text = `${frames}${beside.length === 0 ? '' : `\nbeside: ${beside.join(', ')}\n`}`;
    const file = join(folder, `${entry.id}.txt`);
    if (rewrites) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it.each(engineCases[engine].cases)('$id: not for what is close by', async (entry) => {
    const found = await lintChanged(engine, entry, entry.near ?? []);
    expect(found.filter(({ id }) => id === entry.id)).toEqual([]);
  });
});
