import { createWorkQueue, type WorkQueue } from '../lib/work-queue.ts';

/** Work that is done once for all who ask for it at the same time, for so many keys at a time; some more wait for their turn. */
export class SharedWork<T> {
  readonly #queue: WorkQueue;
  readonly #mostUnderWay: number;
  readonly #underWay = new Map<string, Promise<T | undefined>>();

  constructor(limits: { readonly most: number; readonly mostWaiting: number }) {
    this.#queue = createWorkQueue(limits.most);
    this.#mostUnderWay = limits.most + limits.mostWaiting;
  }

  /** The result of the work for a key, which is begun unless it is under way; `undefined` at once when there is no room for it. */
  do(key: string, work: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    if (this.#underWay.size >= this.#mostUnderWay) return Promise.resolve(undefined);
    const result = this.#queue.run(work).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, result);
    return result;
  }
}
