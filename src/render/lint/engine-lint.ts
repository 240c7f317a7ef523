import type { FindingEntry, Hit } from './finding.ts';
import type { LintInput } from './input.ts';
import type { IncludeSyntax } from './load-tree.ts';

/** What one engine brings. */
export interface EngineLint {
  readonly rules: readonly FindingEntry[];
  readonly syntax: IncludeSyntax;
  /** Runs all rules; pure, and never throws. */
  readonly run: (
    input: LintInput,
  ) => readonly { readonly rule: FindingEntry; readonly hits: readonly Hit[] }[];
}
