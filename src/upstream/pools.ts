import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { UpstreamPool, type PoolOptions } from './pool.ts';

/** What tells one pool from another; two that agree in it are the same. */
export type PoolSettings = Pick<PoolOptions, 'target' | 'connectTimeout' | 'idleTimeout'>;

/**
 * The pools of a process. A new configuration takes over those that it has in common with the one before, with their warm
 * connections; the others let their last answers finish.
 */
export class UpstreamPools {
  readonly #common: Omit<PoolOptions, keyof PoolSettings>;
  #current: readonly { readonly settings: PoolSettings; readonly pool: UpstreamPool }[] = [];
  #retired = new Set<UpstreamPool>();

  constructor(common: Omit<PoolOptions, keyof PoolSettings>) {
    this.#common = common;
  }

  /** Open connections, those of pools that are on their way out included. */
  get size(): number {
    let size = 0;
    for (const pool of this.#all()) size += pool.size;
    return size;
  }

  /** Sockets of all open connections. */
  *sockets(): Iterable<Socket> {
    for (const pool of this.#all()) yield* pool.sockets();
  }

  /** The pool with these settings, made now where there is none; it is in use from `keep` on. */
  find(settings: PoolSettings): UpstreamPool {
    const known = this.#current.find((each) => isDeepStrictEqual(each.settings, settings));
    if (known !== undefined) return known.pool;
    const pool = new UpstreamPool({ ...this.#common, ...settings });
    this.#current = [...this.#current, { settings, pool }];
    return pool;
  }

  /** From now on these pools are in use and no others. */
  keep(inUse: ReadonlySet<UpstreamPool>): void {
    for (const { pool } of this.#current) {
      if (inUse.has(pool)) continue;
      pool.retire();
      this.#retired.add(pool);
    }
    this.#current = this.#current.filter(({ pool }) => inUse.has(pool));
    for (const pool of this.#retired) if (pool.size === 0) this.#retired.delete(pool);
  }

  close(): void {
    for (const pool of this.#all()) pool.close();
  }

  *#all(): Iterable<UpstreamPool> {
    for (const { pool } of this.#current) yield pool;
    yield* this.#retired;
  }
}
