import { ours, type Ours, type Summary } from './statistics.ts';
import type { Target } from './targets.ts';

/** What was wanted, and whether it was reached. */
export interface Verdict {
  readonly program: Ours;
  readonly wanted: string;
  readonly outcome: 'reached' | 'NOT REACHED' | 'NOT MEASURED';
}

/** Judges a row's figures. */
export function judge(
  unit: string,
  summary: Summary,
  targets: Readonly<Record<Ours, readonly Target[]>> | undefined,
): readonly Verdict[] {
  if (targets === undefined) return [];
  return ours.flatMap((program) =>
    targets[program].map((target) => {
      const isReached = isTargetReached(program, target, summary);
      const outcome = isReached === undefined ? 'NOT MEASURED' : isReached ? 'reached' : 'NOT REACHED';
      return { program, wanted: describe(target, unit), outcome };
    }),
  );
}

function isTargetReached(program: Ours, target: Target, summary: Summary): boolean | undefined {
  const value = summary.values[program];
  const ratios = program === 'breakwater' ? summary.ratios : summary.executableRatios;
  const holds = (left: number | undefined, right: number | undefined): boolean | undefined =>
    left === undefined || right === undefined ? undefined : left <= right;
  switch (target.kind) {
    case 'at-least':
      return holds(target.ratio, ratios[target.peer]);
    case 'at-most':
      return holds(ratios[target.peer], target.ratio);
    case 'beyond': {
      const theirs = summary.values[target.peer];
      return holds(value, theirs === undefined ? undefined : theirs + target.units);
    }
    case 'value':
      return holds(value, target.atMost);
    case 'value-from':
      return holds(target.atLeast, value);
    case 'point':
      return holds(summary.points[target.point]?.values[program], target.atMost);
  }
}

function describe(target: Target, unit: string): string {
  switch (target.kind) {
    case 'at-least':
      return `at least ${target.ratio} x ${target.peer}`;
    case 'at-most':
      return `at most ${target.ratio} x ${target.peer}`;
    case 'beyond':
      return `at most ${target.peer} + ${target.units} ${unit}`;
    case 'value':
      return `at most ${target.atMost} ${unit}`;
    case 'value-from':
      return `at least ${target.atLeast} ${unit}`;
    case 'point':
      return `${target.point} at most ${target.atMost}`;
  }
}
