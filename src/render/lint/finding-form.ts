import type { Problem } from '../../lib/diagnostic-text.ts';
import type { Place } from '../../lib/diagnostic.ts';
import type { Finding } from './finding.ts';

/** A finding as the frame renderer draws it. */
export function toProblem(finding: Finding): Problem {
  const { id, severity, message, label, place, breaks, lines } = finding;
  const problem = { ...place, code: id, severity, message, breaks, fix: fixOf(lines), fixLines: lines };
  return label === undefined ? problem : { ...problem, label };
}

function fixOf([first]: readonly string[]): string {
  if (first === undefined) return 'take out what is marked';
  return first.startsWith('breakwater ') ? 'run' : 'write';
}

/** A finding as `--json` prints it. */
export interface FindingJson extends Omit<Place, 'sourceLine'> {
  readonly id: string;
  readonly severity: Finding['severity'];
  readonly requirement: Finding['requirement'];
  readonly title: string;
  readonly message: string;
  readonly label?: string;
  readonly breaks: string;
  readonly lines: readonly string[];
  /** Whether `--fix` corrects it. */
  readonly fixable: boolean;
}

/** Leaves the source line out: a log of it should hold as little of the file as possible. */
export function toFindingJson(finding: Finding): FindingJson {
  const { edits, place, engine: _engine, ...facts } = finding;
  const { sourceLine: _sourceLine, ...where } = place;
  return { ...facts, ...where, fixable: edits.length > 0 };
}
