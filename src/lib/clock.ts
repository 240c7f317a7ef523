/** Time and timers, injected so that tests decide when time passes. All figures are milliseconds. */
export interface Clock {
  /** Wall time since the epoch: for dates. */
  now(): number;
  /** Time since an arbitrary moment that no one can set back or forward: for durations and deadlines. */
  monotonic(): number;
  setTimeout(callback: () => void, milliseconds: number): Timer;
  setInterval(callback: () => void, milliseconds: number): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The machine's clock. Its timers never keep the process alive: only sockets do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  setInterval(callback, milliseconds) {
    const timer = setInterval(callback, milliseconds).unref();
    return { cancel: () => clearInterval(timer) };
  },
};
