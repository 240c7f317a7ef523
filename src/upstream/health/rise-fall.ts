/** What the checks of a server have come to. */
export interface Verdict {
  readonly isUp: boolean;
  /** Results in a row that speak against `isUp`. */
  readonly against: number;
  /** Whether any result is in. */
  readonly isKnown: boolean;
}

export interface Thresholds {
  /** Passed checks in a row after which a server that is down is up. */
  readonly rise: number;
  /** Failed checks in a row after which a server that is up is down. */
  readonly fall: number;
}

/** Before its first result a server counts as up, so that a start does not refuse what would work. */
export const unknownVerdict: Verdict = { isUp: true, against: 0, isKnown: false };

/** The verdict after one more result. The very first decides alone: what is dead at the start is known at once. */
export function judgeResult(before: Verdict, passed: boolean, { rise, fall }: Thresholds): Verdict {
  if (!before.isKnown || passed === before.isUp) return { isUp: passed, against: 0, isKnown: true };
  const against = before.against + 1;
  return against >= (before.isUp ? fall : rise)
    ? { isUp: passed, against: 0, isKnown: true }
    : { ...before, against };
}
