/** A session at a server that nobody will use any more. */
export interface SessionEnderOptions<T> {
  /** Sends the DELETE; resolves to whether the server took it. Must not reject. */
  readonly end: (session: T) => Promise<boolean>;
  /** Most that wait for their turn. */
  readonly limit: () => number;
}

/** DELETEs under way at a time: servers should not notice that a crowd has gone. */
const AT_A_TIME = 8;

/** Ends sessions, a few at a time. What comes when too many wait is left to the server. */
export class SessionEnder<T> {
  readonly #options: SessionEnderOptions<T>;
  readonly #waiting: T[] = [];
  #next = 0;
  #running = 0;
  #ended = 0;

  constructor(options: SessionEnderOptions<T>) {
    this.#options = options;
  }

  /** Sessions that servers have ended when they were told to. */
  get ended(): number {
    return this.#ended;
  }

  add(session: T): void {
    if (this.#waiting.length - this.#next >= this.#options.limit()) return;
    this.#waiting.push(session);
    if (this.#running < AT_A_TIME) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running++;
    for (let session = this.#take(); session !== undefined; session = this.#take()) {
      if (await this.#options.end(session)) this.#ended++;
    }
    this.#running--;
  }

  /** The array is cut now and then instead of shifted each time. */
  #take(): T | undefined {
    const session = this.#waiting[this.#next];
    if (session === undefined) return undefined;
    this.#next++;
    if (this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    return session;
  }
}
