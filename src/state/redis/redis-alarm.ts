/** Tells of a trouble once, however often it is met, and when it is over. */
export interface RedisAlarm {
  raise(problem: Error): void;
  clear(): void;
}

export function createAlarm(options: {
  readonly onProblem: (error: unknown) => void;
  readonly onRecovered: () => void;
}): RedisAlarm {
  const told = new Set<string>();
  return {
    raise(problem) {
      if (told.has(problem.message)) return;
      told.add(problem.message);
      options.onProblem(problem);
    },
    clear() {
      if (told.size === 0) return;
      told.clear();
      options.onRecovered();
    },
  };
}
