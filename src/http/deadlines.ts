import type { Clock, Timer } from '../lib/clock.ts';
import { SwapSet, type Placed } from '../lib/swap-set.ts';

/** Something that has to be done at a moment; `Infinity` means never. */
export interface Expiring extends Placed {
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
  readonly #members = new SwapSet<Expiring>();
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
    for (const member of this.#members.snapshot()) {
      // One that expires may take others with it.
      if (member.deadline <= now && this.#members.has(member)) member.expire(now);
    }
  }
}
