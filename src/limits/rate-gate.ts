import { RecentKeys } from './recent-keys.ts';

/**
 * One rate, counted by key. `waitFor` asks and `take` takes, so that a request which another limit refuses costs nothing here.
 * Whatever counts for several processes, stands behind the same two functions.
 */
export interface RateGate {
  /** Milliseconds until the key may take one more, or `count` of them at once; 0 when it may now. */
  waitFor(key: string, now: number, count?: number): number;
  take(key: string, now: number, count?: number): void;
  /** So many requests of the key were let in by other processes. */
  takeElsewhere(key: string, requests: number, now: number): void;
  /** How many requests each key has not got back yet, in fractions, too; at most `most` keys. */
  listSpent(now: number, most: number): readonly (readonly [key: string, requests: number])[];
  /** Has the key miss at least so many requests. To say so again changes nothing. */
  setSpent(key: string, requests: number, now: number): void;
}

export interface RateGateOptions {
  readonly requests: number;
  /** Milliseconds. */
  readonly within: number;
  /** Most keys that are remembered. */
  readonly keys: number;
}

/** Milliseconds. Sums of fractions are off by less, and nobody waits for that. */
const ROUNDING = 1e-6;

/**
 * The generic cell rate algorithm (ITU-T I.371, the leaky bucket as a meter): a key may take `requests` at once and gets them
 * back evenly, one each `within / requests`. It holds one number a key, the time at which the key has everything back.
 *
 * `rate-limiter-flexible` is not used: in memory it counts in fixed windows, so that at five times the rate all of a second goes in
 * its first fifth; each key costs 470 bytes and a timer, without a bound (447 MiB for 1,000,000 addresses, against 6 MiB here);
 * and a refusal is a rejected promise of 840 ns on every call's way, with its own reading of the clock.
 */
export function createRateGate({ requests, within, keys }: RateGateOptions): RateGate {
  const interval = within / requests;
  const tolerance = within - interval;
  // A key that rested for `within` has everything back, and is the same as one that was never seen.
  const cells = new RecentKeys<Cell>({ create: createCell, limit: keys, lifetime: within });
  return {
    waitFor(key, now, count = 1) {
      const { full } = cells.get(key, now);
      const wait = (full > now ? full - now : 0) + (count - 1) * interval - tolerance;
      return wait > ROUNDING ? wait : 0;
    },
    take(key, now, count = 1) {
      const cell = cells.get(key, now);
      cell.full = (cell.full > now ? cell.full : now) + count * interval;
    },
    takeElsewhere(key, count, now) {
      const cell = cells.get(key, now);
      // What others let in at the same time may be more than there was; nobody waits longer for that than for an empty allowance.
      cell.full = Math.min((cell.full > now ? cell.full : now) + count * interval, now + 2 * within);
    },
    listSpent(now, most) {
      const spent: (readonly [string, number])[] = [];
      for (const [key, { full }] of cells.entries()) {
        if (spent.length === most) break;
        if (full > now) spent.push([key, Math.ceil(((full - now) / interval) * 1000) / 1000]);
      }
      return spent;
    },
    setSpent(key, spent, now) {
      const cell = cells.get(key, now);
      cell.full = Math.max(cell.full, now + Math.min(spent * interval, 2 * within));
    },
  };
}

interface Cell {
  /** Monotonic milliseconds. */
  full: number;
}

function createCell(): Cell {
  // A fraction, so that the field holds a double from the start and is written in place.
  return { full: -0.5 };
}
