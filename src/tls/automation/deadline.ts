import type { Clock } from '../../lib/clock.ts';

export interface Deadline {
  readonly clock: Clock;
  /** Ends the wait earlier; the promise rejects with its reason. */
  readonly signal: AbortSignal;
  readonly milliseconds: number;
  /** Says who did not answer: the promise rejects with it, and the callee's signal is aborted with it. */
  readonly onLate: () => Error;
}

/** Runs until the signal is aborted or time is over, also where the callee forgets about its signal. */
export async function withDeadline<T>(
  { clock, signal, milliseconds, onLate }: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = clock.setTimeout(() => late.abort(onLate()), milliseconds);
  const limited = AbortSignal.any([signal, late.signal]);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(toReason(limited));
  limited.addEventListener('abort', stop, { once: true });
  try {
    limited.throwIfAborted();
    return await Promise.race([run(limited), promise]);
  } finally {
    limited.removeEventListener('abort', stop);
    timer.cancel();
  }
}

function toReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
