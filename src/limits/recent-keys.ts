/**
 * A value for each key that was used lately, in bounded memory. There are two generations, and a key that is used moves into
 * the young one. That turns old when it is half of `limit` or has lasted `lifetime`, and what was old is forgotten: so nothing
 * outlives two lifetimes of disuse, nothing is forgotten within one unless there are too many keys, and no timer, list or sweep
 * is needed for it.
 */
export class RecentKeys<V> {
  readonly #create: () => V;
  readonly #half: number;
  readonly #lifetime: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #since = Number.NEGATIVE_INFINITY;

  /** `lifetime` in milliseconds; `limit` is the most keys at a time. */
  constructor(options: { readonly create: () => V; readonly limit: number; readonly lifetime: number }) {
    this.#create = options.create;
    this.#half = Math.max(1, options.limit >> 1);
    this.#lifetime = options.lifetime;
  }

  /** Keys that are held, some of them perhaps twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of the key, a new one where it has none. `now` is monotonic, in milliseconds. */
  get(key: string, now: number): V {
    if (now - this.#since >= this.#lifetime) this.#turn(now);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    if (this.#young.size >= this.#half) this.#turn(now);
    const value = this.#old.get(key) ?? this.#create();
    this.#young.set(key, value);
    return value;
  }

  /** Those that are held and what they have, each once; the ones that were used last come first. */
  *entries(): Generator<readonly [key: string, value: V]> {
    yield* this.#young;
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry;
  }

  #turn(now: number): void {
    // After a pause of two lifetimes both generations are out of date.
    this.#old = now - this.#since >= 2 * this.#lifetime ? new Map() : this.#young;
    this.#young = new Map();
    this.#since = now;
  }
}
