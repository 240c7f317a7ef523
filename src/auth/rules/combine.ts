import type { Decision } from './compile.ts';

/**
 * The decision on a message that asks for several things, such as a batch: denied when one of them is, else short of the scopes
 * of all. `before` is `undefined` for the first.
 */
export function combineDecisions(before: Decision | undefined, next: Decision): Decision {
  if (before === undefined || before.kind === 'allow') return next;
  if (before.kind === 'deny' || next.kind === 'allow') return before;
  if (next.kind === 'deny') return next;
  return { ...before, scopes: [...new Set([...before.scopes, ...next.scopes])] };
}
