/** Runs tasks, a few at a time, in the order in which they came. */
export interface WorkQueue {
  /** Settles as the task does. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  settled(): Promise<void>;
}

export function createWorkQueue(limit: number): WorkQueue {
  const waiting: (() => void)[] = [];
  const pending = new Set<Promise<unknown>>();
  let running = 0;

  const runWhenFree = async <T>(task: () => Promise<T>): Promise<T> => {
    if (running < limit) running++;
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      waiting.push(() => resolve(undefined));
      await promise;
    }
    try {
      return await task();
    } finally {
      // The place goes to the next in line, so that nobody who comes now can take it as well.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
  return {
    run(task) {
      const result = runWhenFree(task);
      const tracked = result
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => pending.delete(tracked));
      pending.add(tracked);
      return result;
    },
    async settled() {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}
