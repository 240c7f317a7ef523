import type { Clock } from '../lib/clock.ts';

/** Waits, or until the signal is aborted; never rejects. */
export async function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  const timer = clock.setTimeout(stop, milliseconds);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await promise;
  timer.cancel();
  signal.removeEventListener('abort', stop);
}
