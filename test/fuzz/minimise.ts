import { toRule, type FuzzTarget } from './target.ts';

const MAX_TRIES = 2000;

/** Which rule the input breaks, or `undefined` when it breaks none. */
async function findBrokenRule(target: FuzzTarget, input: Buffer): Promise<string | undefined> {
  try {
    await target.check(input);
    return undefined;
  } catch (cause) {
    return toRule(cause);
  }
}

/** Leaves out as much of an input as it can while it still breaks the same rule (ddmin, in ever smaller runs). */
export async function minimise(target: FuzzTarget, input: Buffer, rule: string): Promise<Buffer> {
  let best = input;
  let tries = 0;
  for (let run = Math.ceil(best.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < best.length && tries < MAX_TRIES;) {
      tries++;
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + run)]);
      if ((await findBrokenRule(target, shorter)) === rule) best = shorter;
      else at += run;
    }
  }
  return best;
}
