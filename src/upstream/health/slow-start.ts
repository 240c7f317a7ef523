/** How long a server that is back takes to its full weight. */
export const SLOW_START_MILLISECONDS = 30_000;
/** Without some work it could not show that it is well again. */
const FIRST_SHARE = 0.1;

/** The part of its weight, up to 1, that a server has so long after its return: caches and pools of its own have to warm up. */
export function rampUp(sinceReturn: number): number {
  if (sinceReturn >= SLOW_START_MILLISECONDS) return 1;
  return Math.max(FIRST_SHARE, sinceReturn / SLOW_START_MILLISECONDS);
}
