import type { RowContext } from './row.ts';

const QUICK_SECONDS = 1;
/** Just-in-time compilers need about as long until their figures stop rising. */
const SECONDS = 4;

/** Seconds of load before a peer is measured. */
export function toWarmUpSeconds({ isQuick }: Pick<RowContext, 'isQuick'>): number {
  return isQuick ? QUICK_SECONDS : SECONDS;
}
