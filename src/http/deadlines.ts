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
/** A sweep that comes later than this was kept from coming: the machine was suspended, or the process stopped. */
const LATE_MILLISECONDS = 4 * SWEEP_MILLISECONDS;

/**
 * All time-outs of the data path in one set that is swept twice a second. A deadline is then a number to
 * store, not a timer to arm, which is what lets every request and every event move several of them.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #members = new SwapSet<Expiring>();
  #timer: Timer | undefined;
  #sweptAt = 0;
  #hasWaited = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock that deadlines are measured by: setting the wall time expires nothing. */
  now(): number {
    return this.#clock.monotonic();
  }

  add(member: Expiring): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#sweptAt = this.now();
    this.#timer = this.#clock.setInterval(() => this.#sweep(), SWEEP_MILLISECONDS);
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
    // What came while everything stood still is read first, once: it may be what a deadline waits for.
    this.#hasWaited = !this.#hasWaited && now - this.#sweptAt > LATE_MILLISECONDS;
    this.#sweptAt = now;
    if (this.#hasWaited) return;
    for (const member of this.#members.snapshot()) {
      // One that expires may take others with it.
      if (member.deadline <= now && this.#members.has(member)) member.expire(now);
    }
  }
}
