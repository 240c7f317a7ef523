import type { Random } from './random.ts';

/** Something that reads hostile input, with the rules it must keep whatever the input is. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs to begin with. */
  readonly seeds: readonly string[];
  /** Pieces that mean something to this reader, for mutations to put in. */
  readonly tokens: readonly string[];
  /** An input by the grammar, mostly well formed; latin1, as the seeds are. */
  readonly generate: (random: Random) => string;
  /** Longest input, in bytes. */
  readonly maxBytes: number;
  /** How many inputs may be checked at the same time; 1 when absent. */
  readonly width?: number;
  /**
   * Runs the reader over one input and holds it to its rules: throws when one is broken. Returns what came of it in
   * a few words; an input with new words is worth mutating further. The same input has the same fate each time.
   */
  readonly check: (input: Buffer) => string | Promise<string>;
}

/** A rule that did not hold. `rule` names it alone, so that two inputs that break the same rule count as one find. */
class BrokenRule extends Error {
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.name = 'BrokenRule';
    this.rule = rule;
  }
}

/** Holds the reader to a rule; `detail` is worked out only when it is broken. */
export function hold(isKept: boolean, rule: string, detail: () => unknown = () => ''): asserts isKept {
  if (isKept) return;
  const shown = detail();
  throw new BrokenRule(rule, typeof shown === 'string' ? shown : JSON.stringify(shown));
}

/** What is wrong, without the part that differs from input to input. */
export function toRule(cause: unknown): string {
  if (cause instanceof BrokenRule) return cause.rule;
  if (!(cause instanceof Error)) return `threw ${typeof cause}`;
  const place = /\n\s+at (?:(?:async )?([\w.#<>]+) )?/.exec(cause.stack ?? '')?.[1] ?? '';
  return `threw ${cause.name} in ${place}`;
}
