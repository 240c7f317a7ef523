import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isExecutable } from './gateway-program.ts';

/** What one test of the plan showed, in numbers. */
export interface Evidence {
  /** Such as `T1`. */
  readonly id: string;
  readonly title: string;
  readonly cases: number;
  readonly failures: number;
  /** Figure by name, the unit in the name or in the text: `{ 'normal client p99': '41 ms' }`. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** What was broken on purpose, and that the test noticed. */
  readonly control: string;
}

const directory = fileURLToPath(new URL('../../.evidence/', import.meta.url));

/** True when the long form of a test is wanted: full numbers and full times, as in `npm run evidence`. */
export const isFullRun: boolean = process.env['BREAKWATER_FULL'] === '1';

/** Keeps the figures of a test for `docs/evidence.md` and prints them. The last run of a test replaces the one before. */
export function recordEvidence(evidence: Evidence): void {
  const program = isExecutable ? 'executable' : 'node';
  mkdirSync(directory, { recursive: true });
  const record = {
    ...evidence,
    // A test that came to no case has shown nothing.
    failures: evidence.cases === 0 ? Math.max(1, evidence.failures) : evidence.failures,
    control: evidence.control === '' ? 'not reached' : evidence.control,
    program,
    full: isFullRun,
    at: new Date().toISOString(),
  };
  const scope = isFullRun ? 'full' : 'short';
  writeFileSync(
    `${directory}${evidence.id}-${program}-${scope}.json`,
    `${JSON.stringify(record, undefined, 2)}\n`,
  );
  const figures = Object.entries(evidence.figures).map(([name, value]) => `${name} ${value}`);
  const counts = `${evidence.cases} cases, ${record.failures} failures`;
  process.stdout.write(`${evidence.id} ${evidence.title}: ${[counts, ...figures].join('; ')}\n`);
}
