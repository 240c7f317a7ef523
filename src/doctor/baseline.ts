import { isJsonObject } from '../lib/json.ts';
import { parse } from 'yaml';
import { toErrorMessage } from '../lib/error-message.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { suggestion } from '../lib/suggestion.ts';
import { findCheck, allChecks } from './all-checks.ts';
import type { Report } from './report.ts';

/** Findings that are known and put up with. */
export interface Baseline {
  readonly entries: readonly BaselineEntry[];
}

export interface BaselineEntry {
  readonly id: string;
  /** Day after which it counts again, `2027-01-31`. */
  readonly until?: string;
}

/**
 * Reads a baseline: `findings:` with ids, or with `{ id, until, reason }`. Fails with sentences about what is wrong; an id that no check
 * has is a mistake and no finding that went away.
 */
export function parseBaseline(text: string): Result<Baseline, readonly string[]> {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return fail([`it is no YAML: ${toErrorMessage(error).split('\n')[0] ?? ''}`]);
  }
  const findings = isJsonObject(document) ? document['findings'] : undefined;
  if (!Array.isArray(findings)) return fail(['it needs a list `findings`']);
  const problems: string[] = [];
  const entries = findings.flatMap((each: unknown): BaselineEntry[] => {
    const entry = toEntry(each);
    if (typeof entry === 'string') {
      problems.push(entry);
      return [];
    }
    return [entry];
  });
  return problems.length > 0 ? fail(problems) : ok({ entries });
}

function toEntry(value: unknown): BaselineEntry | string {
  const id = isJsonObject(value) ? value['id'] : value;
  if (typeof id !== 'string') return 'each finding is an id, or has one';
  if (findCheck(id) === undefined) {
    const meant = suggestion(
      id,
      allChecks.map((check) => check.id),
    );
    return `there is no check \`${id}\`${meant === undefined ? '' : `: did you mean \`${meant}\`?`}`;
  }
  const until = isJsonObject(value) ? value['until'] : undefined;
  if (until === undefined) return { id };
  return typeof until === 'string' && isDay(until)
    ? { id, until }
    : `\`until\` of \`${id}\` is no day such as 2027-01-31`;
}

/** Whether a text is a day that the calendar has. */
function isDay(text: string): boolean {
  const moment = Date.parse(text);
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) &&
    !Number.isNaN(moment) &&
    new Date(moment).toISOString().startsWith(text)
  );
}

export interface Baselined {
  readonly report: Report;
  /** Entries that have had their day, or whose finding is gone: a baseline that is not kept hides the next fault. */
  readonly stale: readonly string[];
}

/** Marks what a baseline lists. `now` is milliseconds since the epoch. */
export function applyBaseline(report: Report, { entries }: Baseline, now: number): Baselined {
  const isPast = ({ until }: BaselineEntry): boolean =>
    until !== undefined && Date.parse(until) + 86_400_000 <= now;
  const valid = new Set(entries.filter((entry) => !isPast(entry)).map(({ id }) => id));
  // Only a check that passes says that its finding is gone: an outage, or a check that was not asked for, says nothing.
  const passed = new Set(report.results.filter(({ status }) => status === 'pass').map(({ id }) => id));
  const stale = entries.flatMap((entry) => {
    if (isPast(entry)) return [`\`${entry.id}\` was put up with until ${entry.until ?? ''}`];
    return passed.has(entry.id) ? [`\`${entry.id}\` is not found any more`] : [];
  });
  const results = report.results.map((result) =>
    result.status === 'fail' && valid.has(result.id) ? { ...result, baselined: true } : result,
  );
  return { report: { ...report, results }, stale };
}
