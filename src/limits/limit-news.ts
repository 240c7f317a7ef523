import type { RunningElsewhere } from './elsewhere.ts';

/** What was counted since the last news, for other processes that share the limits. */
export interface LimitNews {
  /** Tells limits of one configuration from those of another: what was counted by others says nothing here. */
  readonly limits: string;
  /** Of each rate, in the order of the configuration: how many requests by key. */
  readonly taken: readonly (readonly (readonly [key: string, requests: number])[])[];
  /** Of each concurrency limit: what runs now, by key, where it has changed. */
  readonly running: readonly (readonly (readonly [key: string, running: RunningElsewhere])[])[];
}

/** All that a process knows, for one that has missed news. */
export interface LimitSummary {
  /** As in `LimitNews`. */
  readonly limits: string;
  /** Of each rate, in the order of the configuration: how many requests the keys have not got back yet, whoever let them in. */
  readonly spent: readonly (readonly (readonly [key: string, requests: number])[])[];
  /** Of each concurrency limit: all that runs in this process, by key. */
  readonly running: LimitNews['running'];
}

/** Gathers what a process counts until it is told to the others. */
export class LimitLedger {
  readonly #limits: string;
  readonly #taken: Map<string, number>[];
  readonly #changed: Map<string, RunningElsewhere>[];
  #isEmpty = true;

  constructor(options: { readonly limits: string; readonly rates: number; readonly concurrency: number }) {
    this.#limits = options.limits;
    this.#taken = Array.from({ length: options.rates }, () => new Map<string, number>());
    this.#changed = Array.from({ length: options.concurrency }, () => new Map<string, RunningElsewhere>());
  }

  took(rate: number, key: string, count = 1): void {
    const taken = this.#taken[rate];
    if (taken === undefined) return;
    taken.set(key, (taken.get(key) ?? 0) + count);
    this.#isEmpty = false;
  }

  /** `running` is the caller's own count, which goes on changing until it is read. */
  changed(limit: number, key: string, running: RunningElsewhere): void {
    this.#changed[limit]?.set(key, running);
    this.#isEmpty = false;
  }

  /** The news since the last time; `undefined` when there are none. */
  read(): LimitNews | undefined {
    if (this.#isEmpty) return undefined;
    this.#isEmpty = true;
    const news = {
      limits: this.#limits,
      taken: this.#taken.map((keys) => [...keys]),
      running: this.#changed.map((keys) =>
        [...keys].map(([key, { calls, streams }]) => [key, { calls, streams }] as const),
      ),
    };
    for (const keys of [...this.#taken, ...this.#changed]) keys.clear();
    return news;
  }
}
