import type { RequirementId } from '../render/requirements.ts';
import type { Grade, Layer, Severity } from './check.ts';
import type { Facts } from './facts.ts';
import type { FrontFact } from './recognise-front.ts';

/** Facts with what they mean. All outputs print this and nothing else. */
export interface Report {
  readonly facts: Facts;
  /** What stands before the server, as far as it shows. */
  readonly front: FrontFact;
  readonly grade: Grade;
  /** What keeps the grade from being better: `F: anyone can call tools (oauth-none)`; worst first. */
  readonly caps: readonly string[];
  /** One for each check, in the order of the table. */
  readonly results: readonly CheckResult[];
}

/** One check with its verdict. */
export interface CheckResult {
  readonly id: string;
  readonly layer: Layer;
  readonly title: string;
  readonly status: 'pass' | 'fail' | 'unknown' | 'skip';
  /** Of this verdict where it failed, else of the check. */
  readonly severity: Severity;
  /** What was seen, or why it could not be told. */
  readonly seen?: string;
  readonly evidence: readonly string[];
  readonly why: string;
  readonly reference: string;
  readonly requirement?: RequirementId;
  /** What to do; absent unless it failed. */
  readonly fix?: Fix;
  /** Whether a baseline lists it. */
  readonly baselined: boolean;
}

export interface Fix {
  /** One sentence, lower case, no final stop. */
  readonly advice: string;
  /** Lines for the recognised front; empty where it is not known. */
  readonly lines: readonly string[];
  /** What the lines are for: `nginx`; absent without lines. */
  readonly front?: string;
}
