/** Work that is done once for all who ask for it at the same time, for so many keys at a time; some more wait for their turn. */
export class SharedWork<T> {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #underWay = new Map<string, Promise<T | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly most: number; readonly mostWaiting: number }) {
    this.#most = limits.most;
    this.#mostWaiting = limits.mostWaiting;
  }

  /** The result of the work for a key, which is begun unless it is under way; `undefined` at once when there is no room for it. */
  do(key: string, work: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    if (this.#running >= this.#most && this.#waiting.length >= this.#mostWaiting)
      return Promise.resolve(undefined);
    const result = this.#inTurn(work).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, result);
    return result;
  }

  async #inTurn(work: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
