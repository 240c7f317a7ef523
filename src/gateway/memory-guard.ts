/** Bytes in use, and how many there may be. */
export interface MemoryReading {
  readonly used: number;
  readonly limit: number;
}

/** How old a reading may be before the next request has memory read again, in milliseconds. */
const FRESH_MILLISECONDS = 500;
/** Shares of the limit at which new work is refused, and below which it is taken again. */
const SHED_ABOVE = 0.85;
const TAKE_BELOW = 0.8;

/**
 * Tells when memory is so short that new work must be refused, so that what runs is not lost with the whole process
 * (memory exhaustion). Garbage counts as used; below the upper share the collector still has room to find it.
 */
export class MemoryGuard {
  readonly #read: () => readonly MemoryReading[];
  #readAt = Number.NEGATIVE_INFINITY;
  #isShort = false;

  constructor(read: () => readonly MemoryReading[]) {
    this.#read = read;
  }

  /** True when new work is to be refused. `now`: milliseconds of the monotonic clock. */
  isShort(now: number): boolean {
    if (now - this.#readAt < FRESH_MILLISECONDS) return this.#isShort;
    this.#readAt = now;
    const bound = this.#isShort ? TAKE_BELOW : SHED_ABOVE;
    this.#isShort = this.#read().some(({ used, limit }) => used > limit * bound);
    return this.#isShort;
  }
}
