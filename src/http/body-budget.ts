/**
 * The memory that request bodies of all connections may take together. A body counts from its first byte until
 * its request is answered; without this a few thousand connections could hold their largest body each
 * (memory exhaustion by slow uploads).
 */
export class BodyBudget {
  /** Bytes. A smaller one takes nothing back, and refuses what comes until enough was given. */
  limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Counts bytes that have arrived; false when they are too many. They count until `give`, also then. */
  take(bytes: number): boolean {
    this.#taken += bytes;
    return this.#taken <= this.limit;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}
