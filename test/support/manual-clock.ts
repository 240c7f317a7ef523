import type { Clock } from '../../src/lib/clock.ts';

interface Entry {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #entries = new Set<Entry>();
  #now: number;
  #monotonic = 0;

  constructor(now: number = Date.now()) {
    this.#now = now;
  }

  /** Timers that have not fired and were not cancelled. */
  get pending(): number {
    return this.#entries.size;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimeout(callback: () => void, milliseconds: number): { cancel(): void } {
    return this.#add({ at: this.#now + milliseconds, every: undefined, callback });
  }

  setInterval(callback: () => void, milliseconds: number): { cancel(): void } {
    return this.#add({ at: this.#now + milliseconds, every: milliseconds, callback });
  }

  /** Lets time pass and fires, in order, what falls due on the way. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pass(next.at);
      if (next.every === undefined) this.#entries.delete(next);
      else next.at += next.every;
      next.callback();
    }
    this.#pass(end);
  }

  /** Moves the wall time alone, as when the machine slept or its clock was set; timers stay as far away as they were. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
    for (const entry of this.#entries) entry.at += milliseconds;
  }

  #pass(now: number): void {
    this.#monotonic += now - this.#now;
    this.#now = now;
  }

  #next(end: number): Entry | undefined {
    const due = [...this.#entries].filter((entry) => entry.at <= end);
    return due.toSorted((left, right) => left.at - right.at)[0];
  }

  #add(entry: Entry): { cancel(): void } {
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }
}
