import type { Grade } from './check.ts';
import type { CheckResult } from './report.ts';

/** Best first. */
const grades: readonly Grade[] = ['A+', 'A', 'B', 'C', 'D', 'F'];

export interface GradedResult extends CheckResult {
  /** Worst grade that an endpoint with this fault can have. */
  readonly cap?: Grade;
}

export interface Graded {
  readonly grade: Grade;
  /** What keeps it from being better, worst first. */
  readonly caps: readonly string[];
}

/**
 * A+ where nothing is wrong and everything could be told, A with remarks alone, B with a warning, C with an error, D with more; a fault may cap the grade further.
 * A baseline changes nothing: it says what is known, and not that it is good.
 */
export function toGrade(results: readonly GradedResult[]): Graded {
  const failed = results.filter(({ status }) => status === 'fail');
  const errors = failed.filter(({ severity }) => severity === 'error');
  const reasons: { readonly grade: Grade; readonly why: string }[] = [];
  if (errors.length > 1) reasons.push({ grade: 'D', why: `${errors.length} errors` });
  else if (errors.length === 1) reasons.push({ grade: 'C', why: `an error (${errors[0]?.id ?? ''})` });
  const warnings = failed.filter(({ severity }) => severity === 'warning').length;
  if (warnings > 0) reasons.push({ grade: 'B', why: warnings === 1 ? 'a warning' : `${warnings} warnings` });
  const remarks = failed.length - errors.length - warnings;
  if (remarks > 0) reasons.push({ grade: 'A', why: remarks === 1 ? 'a remark' : `${remarks} remarks` });
  // What could not be told is no pass.
  const untold = results.filter(({ status }) => status === 'unknown').length;
  if (untold > 0) reasons.push({ grade: 'A', why: `${untold} could not be told` });
  for (const { cap, id, seen } of errors)
    if (cap !== undefined) reasons.push({ grade: cap, why: `${seen ?? ''} (${id})` });
  const sorted = reasons.toSorted((one, other) => grades.indexOf(other.grade) - grades.indexOf(one.grade));
  return { grade: sorted[0]?.grade ?? 'A+', caps: sorted.map(({ grade, why }) => `${grade}: ${why}`) };
}
