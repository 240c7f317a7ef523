import type { Place } from '../../lib/diagnostic.ts';
import type { RequirementId } from '../requirements.ts';
import type { Span } from './source.ts';

/** The engines whose configurations are read. */
export const lintEngines = ['nginx', 'caddy', 'apache', 'haproxy'] as const;

export type LintEngine = (typeof lintEngines)[number];

/** `error`: clients fail, or anyone gets in. `warning`: they do under load, after a while or with some clients. `info`: worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'info';

/** One row of the table of findings: what is always true of it. */
export interface FindingEntry {
  /** Stable; begins with the engine: `nginx-proxy-pass-uri`. */
  readonly id: string;
  readonly severity: FindingSeverity;
  readonly requirement: RequirementId;
  /** A short phrase for lists. */
  readonly title: string;
  /** What an MCP client sees, where that is more specific than what the requirement says. */
  readonly breaks?: string;
}

/** A row with the rule that finds it: a pure function of what was read. */
export interface LintRule<Model> extends FindingEntry {
  readonly check: (model: Model) => readonly Hit[];
}

/** One place where a rule found something. */
export interface Hit {
  readonly at: Span;
  /** One factual sentence, lower case, names in backticks, no final stop. */
  readonly message: string;
  /** Stands under the marked text. */
  readonly label?: string;
  /** The corrected lines, as they are to be written; none where what is marked has to go. */
  readonly lines: readonly string[];
  /** Where the severity of this place differs from that of the row. */
  readonly severity?: FindingSeverity;
  /** What changes the text so that the finding is gone; absent where a person has to decide. */
  readonly edits?: readonly Edit[];
}

/** Replaces a span; an empty one inserts. */
export interface Edit extends Span {
  readonly text: string;
}

/** One finding, as it is shown. */
export interface Finding extends FindingEntry {
  readonly engine: LintEngine;
  readonly breaks: string;
  readonly message: string;
  readonly label?: string;
  readonly place: Place;
  readonly lines: readonly string[];
  readonly edits: readonly Edit[];
}

const ranks: Readonly<Record<FindingSeverity, number>> = { error: 2, warning: 1, info: 0 };

/** Whether the first is as bad as the second, or worse. */
export function isAtLeast(severity: FindingSeverity, least: FindingSeverity): boolean {
  return ranks[severity] >= ranks[least];
}

/** For sorting, worst first. */
export function compareSeverity(one: FindingSeverity, other: FindingSeverity): number {
  return ranks[other] - ranks[one];
}
