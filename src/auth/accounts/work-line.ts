/** Does heavy tasks one after the other. */
export interface WorkLine {
  /** Resolves to what the task does once those before it are done; `undefined` when too many wait already. */
  run<T>(task: () => Promise<T>): Promise<T | undefined>;
}

/**
 * Against floods of logins: each password takes a core and 128 MiB for a while, so one is checked at a time, and only so many wait.
 */
export function createWorkLine(longest: number): WorkLine {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    async run(task) {
      if (waiting >= longest) return undefined;
      waiting += 1;
      const result = last.then(task);
      // A task that fails is told to the one who asked for it; the next one goes on.
      last = result.catch(() => undefined);
      try {
        return await result;
      } finally {
        waiting -= 1;
      }
    },
  };
}
