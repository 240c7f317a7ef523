import type { Clock, Timer } from '../../lib/clock.ts';

export interface LookLoopOptions {
  readonly clock: Clock;
  /** Looks and takes up what is new; resolves with milliseconds where it wants to look again without being told of a change. */
  readonly look: () => Promise<number | undefined>;
  /** Calls back when it may be worth looking, until it is closed. */
  readonly watch: (onChange: () => void) => { close(): void };
  /** Told what `look` rejects with: a defect there must not end a process whose certificate still serves. */
  readonly onFailure: (error: unknown) => void;
}

export interface LookLoop {
  /** Looks now; resolves when that is done. */
  refresh(): Promise<void>;
  /** No look begins any more; resolves when the last one is done. */
  close(): Promise<void>;
}

/**
 * One look at a time, and one more at most in waiting: two that overlap could finish in the wrong order and put an old
 * certificate back.
 */
export function createLookLoop(options: LookLoopOptions): LookLoop {
  const { clock, look, onFailure } = options;
  let last = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let again: Timer | undefined;
  let closed = false;

  const lookOnce = async (): Promise<void> => {
    waiting = undefined;
    if (closed) return;
    again?.cancel();
    again = undefined;
    const lookAgainIn = await look();
    // The flag can have changed during the look.
    if (lookAgainIn === undefined || isClosed()) return;
    again = clock.setTimeout(() => void refresh(), lookAgainIn);
  };
  const isClosed = (): boolean => closed;
  const refresh = (): Promise<void> => {
    waiting ??= last = last.then(lookOnce).catch(onFailure);
    return waiting;
  };
  const watcher = options.watch(() => void refresh());
  return {
    refresh,
    close() {
      closed = true;
      watcher.close();
      again?.cancel();
      return last;
    },
  };
}
