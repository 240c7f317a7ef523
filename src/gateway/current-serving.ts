import type { UpstreamPool } from '../upstream/pool.ts';
import type { Serving } from './serving.ts';
import type { SessionServing } from './sessions/session-keeper.ts';

/** The serving of the moment: what outlives a configuration asks here for it, each time anew. */
export class CurrentServing {
  #serving: Serving | undefined;
  #sessionServing: SessionServing | undefined;
  /** The one that serves, and during a reload the next one. */
  readonly #held = new Set<Serving>();

  /** Throws a TypeError before the first one. */
  get serving(): Serving {
    return requireFirst(this.#serving);
  }

  /** What of it sessions are kept by. Throws a TypeError before the first one. */
  get sessionServing(): SessionServing {
    return requireFirst(this.#sessionServing);
  }

  /** Pools in use, those of one that is to come included. */
  get pools(): ReadonlySet<UpstreamPool> {
    return new Set([...this.#held].flatMap((each) => [...each.pools()]));
  }

  /** Keeps the pools of one that is to come, until it serves or is given up. */
  hold(next: Serving): void {
    this.#held.add(next);
  }

  /** It does not come after all. */
  giveUp(next: Serving): void {
    this.#held.delete(next);
    next.close();
  }

  /** Serves by this one from now on, and closes the one before. */
  replace(next: Serving): void {
    const before = this.#serving;
    this.#held.add(next);
    this.#serving = next;
    this.#sessionServing = toSessionServing(next);
    if (before === undefined) return;
    this.#held.delete(before);
    before.close();
  }

  close(): void {
    this.#serving?.close();
  }
}

function requireFirst<T>(held: T | undefined): T {
  if (held === undefined) throw new TypeError('nothing is served yet');
  return held;
}

function toSessionServing({ config, access, log, routes }: Serving): SessionServing {
  return {
    config,
    log,
    seal: access.seal,
    store: access.sessionStore,
    findRoute: (id) => routes.routes.find((route) => route.id === id),
  };
}
