const LOOK_MILLISECONDS = 1000;

/** Tells a reader that takes nothing from one that is slow, by looking every second at what waits for it. */
export class StallWatch {
  readonly #timeout: number;
  #waiting = -1;
  #since = 0;

  /** `timeout`: milliseconds a reader may take nothing. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** True between `start` and `stop`. */
  get running(): boolean {
    return this.#waiting >= 0;
  }

  /** Begins with the bytes that wait now; returns when to look again. */
  start(now: number, waiting: number): number {
    this.#waiting = waiting;
    this.#since = now;
    return now + LOOK_MILLISECONDS;
  }

  stop(): void {
    this.#waiting = -1;
  }

  /** Looks again: the moment of the next look, or `undefined` when the reader has had its time. */
  look(now: number, waiting: number): number | undefined {
    if (waiting < this.#waiting) return this.start(now, waiting);
    return now - this.#since >= this.#timeout ? undefined : now + LOOK_MILLISECONDS;
  }
}
