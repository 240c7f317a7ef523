import type { Requirement } from './requirements.ts';
import type { Check, SuiteResults } from './suite-run.ts';

export const legNames = ['direct', 'h1', 'h2'] as const;
export type LegName = (typeof legNames)[number];
export type Legs = ReadonlyMap<LegName, SuiteResults>;

/** How one scenario ended on one leg; `absent` when it left no checks at all. */
export type ScenarioOutcome =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'ran';
      readonly passed: number;
      readonly failed: number;
      readonly warned: number;
    };

/** One check that did not end as it did directly. */
export interface Difference {
  readonly scenario: string;
  readonly leg: LegName;
  readonly check: string;
  readonly direct: string;
  readonly through: string;
  readonly message?: string;
}

export interface ScenarioRow {
  readonly scenario: string;
  readonly isScored: boolean;
  readonly outcomes: ReadonlyMap<LegName, ScenarioOutcome>;
  readonly differences: readonly Difference[];
}

/**
 * Puts the legs side by side. Checks are compared by id, name and place among their equals, and
 * by status; times, addresses, ports and free text are left out, they differ in any two runs.
 */
export function buildRows(requirements: readonly Requirement[], legs: Legs): readonly ScenarioRow[] {
  return requirements.map(({ scenario, isScored }) => {
    const direct = legs.get('direct')?.get(scenario) ?? [];
    const outcomes = new Map<LegName, ScenarioOutcome>();
    const differences: Difference[] = [];
    for (const [leg, results] of legs) {
      const checks = results.get(scenario);
      outcomes.set(leg, toOutcome(checks));
      if (leg !== 'direct') differences.push(...compare({ scenario, leg, direct, through: checks ?? [] }));
    }
    return { scenario, isScored, outcomes, differences };
  });
}

/** Whether the scenario ran directly and, where it counts, without a failure. */
export function isBroken(row: ScenarioRow): boolean {
  const outcome = row.outcomes.get('direct');
  if (outcome === undefined || outcome.kind === 'absent') return true;
  return row.isScored && outcome.failed > 0;
}

function toOutcome(checks: readonly Check[] | undefined): ScenarioOutcome {
  if (checks === undefined) return { kind: 'absent' };
  const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length;
  return { kind: 'ran', passed: count('SUCCESS'), failed: count('FAILURE'), warned: count('WARNING') };
}

function compare(sides: {
  readonly scenario: string;
  readonly leg: LegName;
  readonly direct: readonly Check[];
  readonly through: readonly Check[];
}): readonly Difference[] {
  const { scenario, leg } = sides;
  const direct = toNumbered(sides.direct);
  const through = toNumbered(sides.through);
  const differences: Difference[] = [];
  for (const check of new Set([...direct.keys(), ...through.keys()])) {
    const before = direct.get(check)?.status ?? 'absent';
    const after = through.get(check)?.status ?? 'absent';
    if (before === after) continue;
    const message = through.get(check)?.errorMessage;
    differences.push({
      scenario,
      leg,
      check,
      direct: before,
      through: after,
      ...(message === undefined ? {} : { message }),
    });
  }
  return differences;
}

/** Checks by id and name; the suite repeats some ids, so those after the first carry their place. */
function toNumbered(checks: readonly Check[]): ReadonlyMap<string, Check> {
  const seen = new Map<string, number>();
  return new Map(
    checks.map((check) => {
      const key = check.id === check.name ? check.id : `${check.id} (${check.name})`;
      const place = (seen.get(key) ?? 0) + 1;
      seen.set(key, place);
      return [place === 1 ? key : `${key} #${place}`, check];
    }),
  );
}
