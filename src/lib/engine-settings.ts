import { setFlagsFromString } from 'node:v8';

/**
 * What V8 supposes of programs in general and is wrong about here:
 * - It forgets the code of functions that were not called for some minutes. A gateway that was idle would answer its next calls at
 *   the speed of an interpreter.
 * - It puts objects of kinds that once lived long into the old generation at once. What a call is made of lives for a millisecond; as
 *   part of the old generation it holds on to all that it refers to, until that is collected with much more work.
 */
const flags = ['--no-flush-bytecode', '--no-allocation-site-pretenuring'];

/** Fits the engine of this process to a gateway that is up: what only the start needs may be forgotten. Bun has another engine. */
export function fitEngine(): void {
  if (process.versions.bun !== undefined) return;
  for (const flag of flags) setFlagsFromString(flag);
}
