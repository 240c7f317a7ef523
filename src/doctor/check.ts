import type { FindingSeverity } from '../render/lint/finding.ts';
import type { RequirementId } from '../render/requirements.ts';
import type { Facts } from './facts.ts';

/** From the wire up. A layer is judged only where those below it let through. */
export const layers = ['dns', 'tcp', 'tls', 'http', 'proxy', 'mcp', 'oauth', 'limits'] as const;

export type Layer = (typeof layers)[number];

/** As lint has it: one scale for what is wrong, wherever it is found. */
export type Severity = FindingSeverity;

/** One row of the table of checks, with the pure function that judges. */
export interface Check {
  /** Stable; begins with the layer: `tls-expiring`. Named after what is wrong. */
  readonly id: string;
  readonly layer: Layer;
  readonly severity: Severity;
  /** What is right, as a phrase for lists: `the certificate is valid for two weeks more`. */
  readonly title: string;
  /** What an MCP client sees otherwise: one sentence, lower case, no final stop. */
  readonly why: string;
  /** Section of a specification, with its revision. */
  readonly reference: string;
  /** What to do where the front is not known: one sentence, lower case, no final stop. */
  readonly advice: string;
  /** What any front has to do about it: the fix for the recognised front comes from there. */
  readonly requirement?: RequirementId;
  /** Worst grade that an endpoint with this fault can have. */
  readonly cap?: Grade;
  readonly judge: (facts: Facts) => Verdict;
}

export type Grade = 'A+' | 'A' | 'B' | 'C' | 'D' | 'F';

/** Could not tell is never a pass. */
export type Verdict =
  | { readonly status: 'pass'; readonly seen?: string }
  | {
      readonly status: 'fail';
      /** What was seen: one sentence, lower case, names in backticks, no final stop. */
      readonly seen: string;
      /** Where this case is worse, or less bad, than the row. */
      readonly severity?: Severity;
      /** Request and answer lines that show it, redacted. */
      readonly evidence?: readonly string[];
    }
  | { readonly status: 'unknown'; readonly because: string }
  | { readonly status: 'skip'; readonly because: string };

export const pass = (seen?: string): Verdict =>
  seen === undefined ? { status: 'pass' } : { status: 'pass', seen };

export const skip = (because: string): Verdict => ({ status: 'skip', because });

export const unknown = (because: string): Verdict => ({ status: 'unknown', because });

export function fault(seen: string, evidence: readonly string[] = [], severity?: Severity): Verdict {
  return { status: 'fail', seen, evidence, ...(severity === undefined ? {} : { severity }) };
}
