import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MILLISECONDS = 10;

/** Milliseconds until something held; the limit when it did not, so that the reader of the figure or state says what is wrong. */
export async function until(holds: () => boolean | Promise<boolean>, milliseconds = 5000): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < milliseconds) {
    if (await holds()) return performance.now() - start;
    await sleep(POLL_MILLISECONDS);
  }
  return milliseconds;
}
