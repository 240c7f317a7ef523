export interface Lease<Value> {
  readonly value: Value;
  /** Idempotent. */
  release(): void;
}

/** Things that several holders have in common by equal keys. The first one makes a thing, the last one to let go closes it. */
export class Leases<Value extends { close(): void }> {
  readonly #held = new Map<string, { readonly value: Value; holders: number }>();

  hold(key: string, create: () => Value): Lease<Value> {
    const entry = this.#held.get(key) ?? { value: create(), holders: 0 };
    entry.holders++;
    this.#held.set(key, entry);
    let isReleased = false;
    return {
      value: entry.value,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        entry.holders--;
        if (entry.holders > 0) return;
        this.#held.delete(key);
        entry.value.close();
      },
    };
  }

  get size(): number {
    return this.#held.size;
  }
}
