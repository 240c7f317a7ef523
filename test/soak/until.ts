import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MILLISECONDS = 20;

/** Resolves once something holds, and after 5 s in any case: the reader of the state that is left says what is wrong. */
export async function until(holds: () => boolean | Promise<boolean>, milliseconds = 5000): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds()) && performance.now() < deadline) await sleep(POLL_MILLISECONDS);
}
