import type { Clock } from '../../lib/clock.ts';
import { RecentKeys } from '../../limits/recent-keys.ts';
import type { Store } from '../../state/store/store.ts';

export interface SessionUsesOptions {
  readonly clock: Clock;
  /** `undefined` where there are no replicas. */
  readonly store: () => Pick<Store, 'get' | 'put'> | undefined;
  /** Milliseconds after which a use counts no longer. */
  readonly lifetime: () => number;
  readonly onProblem: (error: unknown) => void;
}

const useKind = 'SessionUse';
/** A use is told so often at most, in milliseconds. */
const TELL_MILLISECONDS = 60_000;
/** Most that are told at a time; the others come next. */
const MOST_AT_A_TIME = 2000;
const MOST_REMEMBERED = 200_000;

/** Tells replicas which sessions are in use here, and asks whether one is in use there. */
export class SessionUses {
  readonly #options: SessionUsesOptions;
  readonly #own: string;
  /** When a use was told last. */
  readonly #told = new RecentKeys<{ at: number }>({
    create: () => ({ at: Number.NEGATIVE_INFINITY }),
    limit: MOST_REMEMBERED,
    lifetime: TELL_MILLISECONDS,
  });

  constructor(options: SessionUsesOptions) {
    this.#options = options;
    this.#own = crypto.randomUUID();
  }

  touch(keys: readonly string[]): void {
    const { clock, store } = this.#options;
    const shared = store();
    if (shared === undefined) return;
    const now = clock.monotonic();
    let left = MOST_AT_A_TIME;
    for (const key of keys) {
      const told = this.#told.get(key, now);
      if (now - told.at < TELL_MILLISECONDS) continue;
      if (left-- === 0) return;
      told.at = now;
      void this.#tell(shared, key);
    }
  }

  /** Whether another replica has used the session of late; also when that cannot be told, so that nobody loses theirs. */
  async isUsedElsewhere(key: string): Promise<boolean> {
    const { store, onProblem } = this.#options;
    try {
      const use = await store()?.get(useKind, key);
      return use !== undefined && use['by'] !== this.#own;
    } catch (error) {
      onProblem(error);
      return true;
    }
  }

  async #tell(store: Pick<Store, 'put'>, key: string): Promise<void> {
    const { clock, lifetime, onProblem } = this.#options;
    try {
      await store.put(useKind, key, { by: this.#own }, { expiresAt: clock.now() + lifetime() });
    } catch (error) {
      onProblem(error);
    }
  }
}
