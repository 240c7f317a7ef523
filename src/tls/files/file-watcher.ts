import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../../lib/clock.ts';

export interface FileWatcherOptions {
  /** Absolute paths of the files. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  /** Called when something may have changed, five times a second at most; the caller compares contents. */
  readonly onChange: () => void;
}

export interface FileWatcher {
  close(): void;
}

/**
 * Renewal tools replace several files one after the other, and some write into them: wait until nothing happens for a moment.
 * Where something always happens, as in a directory with a log, the files are looked at all the same.
 */
const quietMilliseconds = 200;
const longestWaitMilliseconds = 600;

/** Network file systems and exhausted inotify limits send no events at all: look now and then anyway. */
const lookMilliseconds = 60_000;

/**
 * Watches the directories of some files, and those their symbolic links lead to, because tools replace files
 * (certbot moves a link, Kubernetes swaps a directory) instead of writing into them.
 */
export function createFileWatcher(options: FileWatcherOptions): FileWatcher {
  const { clock, paths } = options;
  const watchers = new Map<string, FSWatcher>();
  let quiet: Timer | undefined;
  let firstEventAt = 0;
  let closed = false;

  const onQuiet = (): void => {
    quiet = undefined;
    void arm();
    options.onChange();
  };
  const onEvent = (): void => {
    const now = clock.monotonic();
    if (quiet === undefined) firstEventAt = now;
    const left = firstEventAt + longestWaitMilliseconds - now;
    quiet?.cancel();
    quiet = clock.setTimeout(onQuiet, Math.max(0, Math.min(quietMilliseconds, left)));
  };

  /** Links may lead elsewhere after a change, so the set of directories is found anew each time. */
  const arm = async (): Promise<void> => {
    const directories = new Set(await findDirectories(paths));
    if (closed) return;
    for (const [directory, watcher] of watchers) {
      if (directories.has(directory)) continue;
      watcher.close();
      watchers.delete(directory);
    }
    for (const directory of directories) {
      if (watchers.has(directory)) continue;
      const watcher = watchDirectory(directory, onEvent);
      watcher?.on('error', () => {
        watcher.close();
        watchers.delete(directory);
      });
      if (watcher !== undefined) watchers.set(directory, watcher);
    }
  };

  const look = clock.setInterval(() => {
    void arm();
    options.onChange();
  }, lookMilliseconds);
  void arm();

  return {
    close() {
      closed = true;
      look.cancel();
      quiet?.cancel();
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

async function findDirectories(paths: readonly string[]): Promise<string[]> {
  const targets = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  return [...paths, ...targets].map((path) => dirname(path));
}

/** A directory that is gone or cannot be watched is left to the regular look. */
function watchDirectory(directory: string, onEvent: () => void): FSWatcher | undefined {
  try {
    return watch(directory, { persistent: false }, onEvent);
  } catch {
    return undefined;
  }
}
