import type { Clock } from './clock.ts';

/** Waits for so many milliseconds, or until the signal is aborted; never rejects. */
export async function pause(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  const timer = clock.setTimeout(stop, milliseconds);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  await promise;
  timer.cancel();
  signal?.removeEventListener('abort', stop);
}

/** Waits for so many milliseconds; rejects with the signal's reason as soon as it is aborted. */
export function pauseOrReject(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
