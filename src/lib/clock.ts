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

/** The monotonic time of this turn of the event loop, once it was asked for. */
let turnTime: number | undefined;

/**
 * Time that stands still within one turn of the event loop: a call moves half a dozen deadlines and durations, and reading
 * the clock each time shows in profiles. No turn that has asked waits for events, since the end of the turn is pending.
 */
function readTurnTime(): number {
  if (turnTime === undefined) {
    turnTime = performance.now();
    setImmediate(forgetTurnTime);
  }
  return turnTime;
}

function forgetTurnTime(): void {
  turnTime = undefined;
}

/** The machine's clock. Its timers never keep the process alive: only sockets do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: readTurnTime,
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  setInterval(callback, milliseconds) {
    const timer = setInterval(callback, milliseconds).unref();
    return { cancel: () => clearInterval(timer) };
  },
};
