import type { Clock, Timer } from '../lib/clock.ts';

/** Something that has to be done at a moment; `Infinity` means never. */
export interface Expiring {
  /** Milliseconds of `Deadlines.now`. */
  deadline: number;
  /** Called once the deadline has passed; it sets a new deadline or leaves the set. */
  expire(now: number): void;
}

const SWEEP_MILLISECONDS = 500;

/**
 * All time-outs of the data path in one set that is swept twice a second. A deadline is then a number to
 * store, not a timer to arm, which is what lets every request and every event move several of them.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #members = new Set<Expiring>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock that deadlines are measured by: setting the wall time expires nothing. */
  now(): number {
    return this.#clock.monotonic();
  }

  add(member: Expiring): void {
    this.#members.add(member);
    this.#timer ??= this.#clock.setInterval(() => this.#sweep(), SWEEP_MILLISECONDS);
  }

  delete(member: Expiring): void {
    this.#members.delete(member);
    if (this.#members.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const member of this.#members) if (member.deadline <= now) member.expire(now);
  }
}
