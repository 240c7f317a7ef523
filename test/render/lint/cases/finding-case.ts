/** How one finding is shown: a change of a clean configuration that yields it, and one close by that does not. */
export interface FindingCase {
  readonly id: string;
  /** Replacements of the clean configuration, each found exactly once. */
  readonly bad: readonly Change[];
  /** The clean configuration itself where absent. */
  readonly near?: readonly Change[];
  readonly path?: string;
  readonly version?: string;
}

export type Change = readonly [from: string, to: string];

/** Makes the changes; one whose text is not there, or there twice, is a mistake of the case. */
export function change(text: string, changes: readonly Change[]): string {
  return changes.reduce((changed, [from, to]) => {
    const parts = changed.split(from);
    if (parts.length !== 2) throw new Error(`\`${from}\` is there ${parts.length - 1} times`);
    return parts.join(to);
  }, text);
}
