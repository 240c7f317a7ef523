/** Who wants to know that records changed. */
export interface Watchers {
  readonly add: (kinds: readonly string[], onChange: () => void) => () => void;
  /** Tells those who watch this kind. */
  readonly notify: (kind: string) => void;
  readonly notifyAll: () => void;
}

export function createWatchers(): Watchers {
  const watchers = new Set<{ readonly kinds: readonly string[]; readonly onChange: () => void }>();
  return {
    add(kinds, onChange) {
      const watcher = { kinds, onChange };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    notify(kind) {
      for (const { kinds, onChange } of watchers) if (kinds.includes(kind)) onChange();
    },
    notifyAll() {
      for (const { onChange } of watchers) onChange();
    },
  };
}
