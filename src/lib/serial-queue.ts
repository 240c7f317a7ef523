/** Runs tasks one after the other, in the order in which they were asked for. One that fails holds up none that follow. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task once all before it have settled; resolves and rejects as it does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves once everything that was asked for so far has settled. */
  async settle(): Promise<void> {
    await this.#last;
  }
}
