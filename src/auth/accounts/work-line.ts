import { SerialQueue } from '../../lib/serial-queue.ts';

/** Does heavy tasks one after the other. */
export interface WorkLine {
  /** Resolves to what the task does once those before it are done; `undefined` when too many wait already. */
  run<T>(task: () => Promise<T>): Promise<T | undefined>;
}

/**
 * Against floods of logins: each password takes a core and 128 MiB for a while, so one is checked at a time, and only so many wait.
 */
export function createWorkLine(longest: number): WorkLine {
  const queue = new SerialQueue();
  let waiting = 0;
  return {
    async run(task) {
      if (waiting >= longest) return undefined;
      waiting += 1;
      try {
        return await queue.run(task);
      } finally {
        waiting -= 1;
      }
    },
  };
}
