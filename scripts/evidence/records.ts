import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { fail, ok, type Result } from '../../src/lib/result.ts';
import type { Evidence } from '../../test/support/evidence.ts';
import { plan } from './plan.ts';

/** What a test of the plan showed the last time it ran. */
export interface EvidenceRecord extends Evidence {
  readonly program: 'node' | 'executable';
  readonly full: boolean;
  /** ISO 8601, UTC. */
  readonly at: string;
}

const line: z.ZodString = z.string().regex(/^[^\r\n]+$/, 'must be one line of text');
const count: z.ZodInt = z.int().min(0);

const recordFields: z.ZodType<EvidenceRecord> = z.strictObject({
  // A test of the plan, and which part of it.
  id: z.string().regex(/^T\d+(-[a-z0-9]+)*$/),
  title: line,
  cases: count,
  failures: count,
  figures: z.record(line, z.union([line, z.number()])),
  control: line,
  program: z.enum(['node', 'executable']),
  full: z.boolean(),
  at: z.iso.datetime(),
});
const recordSchema = recordFields.refine(
  ({ cases, failures }) => cases > 0 || failures > 0,
  'a test without a case has failed',
);

/** Reads one record, as `test/support/evidence.ts` writes it; `file` is its name, which repeats a part of it. */
export function parseRecord(text: string, file: string): Result<EvidenceRecord, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail(`${file} is not JSON`);
  }
  const { success, data, error } = recordSchema.safeParse(json);
  if (!success) return fail(`${file}: ${z.prettifyError(error)}`);
  const expected = `${data.id}-${data.program}-${data.full ? 'full' : 'short'}.json`;
  if (file !== expected) return fail(`${file} holds what belongs into ${expected}`);
  if (!plan.some(({ id }) => id === toPlanId(data)))
    return fail(`${file}: no test of the plan is ${data.id}`);
  return ok(data);
}

/** The test of the plan a record belongs to: `T25` of `T25-floods`. */
export function toPlanId({ id }: Pick<EvidenceRecord, 'id'>): string {
  return id.split('-', 1)[0] ?? id;
}

/** All records of a directory; throws when one is not what it should be, for a page must not leave anything out. */
export function loadRecords(directory: string): EvidenceRecord[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const record = parseRecord(readFileSync(`${directory}/${file}`, 'utf8'), file);
      if (!record.ok) throw new Error(record.error);
      return record.value;
    });
}

/** Removes what a suite recorded before, so that a test which breaks off leaves no figures of another time. */
export function forgetRecords(
  directory: string,
  run: { readonly suite: string; readonly program: EvidenceRecord['program']; readonly full: boolean },
): void {
  for (const { place, id } of plan) {
    if (place.kind !== 'suite' || place.name !== run.suite) continue;
    const form = run.full ? 'full' : 'short';
    const pattern = new RegExp(`^${id}(-[a-z0-9]+)*-${run.program}-${form}\\.json$`);
    for (const file of readdirSync(directory)) {
      if (pattern.test(file)) rmSync(`${directory}/${file}`);
    }
  }
}

/** One record for each test and program, the full form before the short one, in the order of the plan. */
export function selectRecords(records: readonly EvidenceRecord[]): EvidenceRecord[] {
  const chosen = new Map<string, EvidenceRecord>();
  for (const record of records) {
    const key = `${record.id} ${record.program}`;
    const other = chosen.get(key);
    if (other === undefined || (record.full && !other.full)) chosen.set(key, record);
  }
  const toNumber = ({ id }: EvidenceRecord): number => Number(/\d+/.exec(id)?.[0]);
  return [...chosen.values()].sort(
    (left, right) =>
      toNumber(left) - toNumber(right) ||
      left.id.localeCompare(right.id) ||
      right.program.localeCompare(left.program),
  );
}
