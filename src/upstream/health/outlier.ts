import { rampUp } from './slow-start.ts';

/** So many failures in a row, and no success between them, take a server out. */
export const FAILURES_TO_EJECT = 3;
export const EJECTION_MILLISECONDS = 10_000;
const LONGEST_EJECTION_MILLISECONDS = 300_000;

/** What an ejection is made of, for whoever shows it or passes it on. Times are milliseconds of the monotonic clock. */
export interface OutlierState {
  readonly failures: number;
  /** Until when it gets no new work; in the past, or 0, where it does. */
  readonly ejectedUntil: number;
}

/**
 * Watches how one server answers what it is sent anyway (passive health checks). Failures in a row eject it for ten seconds, the
 * second time for twenty, and so on; after that it is on probation: it comes back slowly, and one more failure ejects it again.
 * Each time as long as an ejection that passes without another one is forgiven.
 */
export class Outlier {
  #failures = 0;
  #times = 0;
  #ejectedUntil = 0;
  /** Since when it grows to its full weight; `undefined` for one that was there from the start. */
  #returnedAt: number | undefined;
  #wasBusy = false;

  get state(): OutlierState {
    return { failures: this.#failures, ejectedUntil: this.#ejectedUntil };
  }

  /** Whether it gets no new work while there are others. */
  isEjected(now: number): boolean {
    return now < this.#ejectedUntil;
  }

  /** The part of its weight that it has. */
  share(now: number): number {
    return this.#returnedAt === undefined ? 1 : rampUp(now - this.#returnedAt);
  }

  /** It is new among others that are warm. */
  startSlowly(now: number): void {
    this.#returnedAt = now;
  }

  /** It answered as servers do that are well. */
  onSuccess(): void {
    this.#failures = 0;
    this.#wasBusy = false;
  }

  /** It said that it has no time (503 with Retry-After): once may happen, again and again is a failure. */
  onBusy(now: number, mayEject: boolean): void {
    if (this.#wasBusy) this.onFailure(now, mayEject);
    this.#wasBusy = true;
  }

  /** It could not be reached, broke off, or something before it answered in its place (502, 503, 504). */
  onFailure(now: number, mayEject: boolean): void {
    this.#failures++;
    if (this.#failures < FAILURES_TO_EJECT || !mayEject || this.isEjected(now)) return;
    const forgiven =
      this.#ejectedUntil === 0 ? 0 : Math.floor((now - this.#ejectedUntil) / EJECTION_MILLISECONDS);
    this.#times = Math.max(0, this.#times - forgiven) + 1;
    const length = Math.min(this.#times * EJECTION_MILLISECONDS, LONGEST_EJECTION_MILLISECONDS);
    this.#ejectedUntil = now + length;
    this.#returnedAt = this.#ejectedUntil;
    this.#failures = FAILURES_TO_EJECT - 1;
  }
}
