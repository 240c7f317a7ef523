import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { GatewayError, isGatewayError } from '../lib/gateway-error.ts';
import { ensurePrivateDirectory, writeFileAtomically } from './directory.ts';
import { readKeyFile, toKeyFile, type KeptKey } from './key-ring-file.ts';
import { chooseKey, isKeyDue, retainKeys, type KeySchedule } from './key-schedule.ts';
import { acquireLock } from './lock.ts';

export interface KeyRingOptions<Key> {
  /** Absolute path; made for its owner alone when it is missing. */
  readonly directory: string;
  readonly fileName: string;
  readonly schedule: KeySchedule;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept and are this process's own (E_STATE_UNWRITABLE). */
  readonly report: (warning: Diagnostic) => void;
  /** What that means, for the message: `sessions are good in this process only`. */
  readonly consequence: string;
  readonly make: () => Key;
  readonly toText: (key: Key) => string;
  /** `undefined` for a text that is no such key. */
  readonly fromText: (text: string) => Key | undefined;
}

/** Secret keys that take turns. */
export interface KeyRing<Key> {
  /** The one to use. */
  readonly current: Key;
  /** All that are good, oldest first: for what was made with them, and those that will be used next. */
  readonly keys: readonly Key[];
  /** From now on they are the same in all processes of the directory; nothing is read or written before. Resolves when they are. */
  share(): Promise<void>;
  /** Looks now whether a key is due, or another process has made one; also happens by itself, each minute. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface Entry<Key> extends KeptKey {
  readonly key: Key;
}

const lookInterval = 60_000;

/**
 * Makes keys, replaces them in time and keeps them in a file of mode 0600. Files are only written under a lock, so of
 * processes that start or find a key due at the same moment one makes it and the others take it.
 */
export function createKeyRing<Key>(options: KeyRingOptions<Key>): KeyRing<Key> {
  const { directory, fileName, schedule, clock, report } = options;
  const path = join(directory, fileName);
  const closing = new AbortController();
  const make = (): Entry<Key> => {
    const key = options.make();
    return { key, text: options.toText(key), createdAt: clock.now() };
  };
  let entries: readonly Entry<Key>[] = [];
  let keys: readonly Key[] = [];
  let current: Entry<Key> = make();
  let isShared = false;
  let told = false;

  const adopt = (found: readonly Entry<Key>[]): void => {
    entries = retainKeys(found, schedule, clock.now());
    keys = entries.map(({ key }) => key);
    current = chooseKey(entries, schedule, clock.now()) ?? current;
  };
  adopt([current]);

  const read = async (): Promise<readonly Entry<Key>[] | undefined> => {
    const content = await readKeyFile(path);
    if (content.kind === 'newer')
      throw new GatewayError(
        'E_STATE_UNWRITABLE',
        `\`${path}\` was written by a newer version and stays as it is`,
      );
    if (content.kind !== 'keys') return undefined;
    const found = content.keys.flatMap(({ text, createdAt }) => {
      const key = options.fromText(text);
      return key === undefined ? [] : [{ key, text, createdAt }];
    });
    return found.length === 0 ? undefined : found.toSorted(byAge);
  };
  const addDueKey = (): void => {
    if (isKeyDue(entries, schedule, clock.now())) adopt([...entries, make()].toSorted(byAge));
  };
  /** Brings file and memory together under the lock; another process may have done so while this one waited. */
  const write = async (): Promise<void> => {
    await ensurePrivateDirectory(directory);
    const lock = await acquireLock({ path: `${path}.lock`, clock, signal: closing.signal });
    try {
      const found = await read();
      if (found !== undefined) adopt(found);
      addDueKey();
      if (isSame(found, entries)) return;
      const data = toKeyFile(entries.map(({ text, createdAt }) => ({ text, createdAt })));
      await writeFileAtomically(directory, { name: fileName, data, mode: 0o600 });
    } finally {
      await lock.release();
    }
  };
  const synchronize = async (): Promise<void> => {
    const found = await read();
    if (found !== undefined) adopt(found);
    const isDue = isKeyDue(entries, schedule, clock.now());
    if (isDue || !isSame(found, entries)) await write();
  };
  const warn = (message: string, code: Diagnostic['code']): void => {
    if (told) return;
    told = true;
    report({ severity: 'warning', code, message: `${message}; ${options.consequence}` });
  };
  const look = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    adopt(entries);
    try {
      if (isShared) await synchronize();
    } catch (error) {
      if (closing.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      warn(message, isGatewayError(error) ? error.code : 'E_INTERNAL');
    }
    // Keys that cannot be kept are still replaced in time.
    addDueKey();
  };

  let last = Promise.resolve();
  let waiting: Promise<void> | undefined;
  /** One look at a time, and one more at most in waiting. */
  const refresh = (): Promise<void> => {
    waiting ??= last = last.then(() => {
      waiting = undefined;
      return look();
    });
    return waiting;
  };
  // Looking every minute instead of sleeping for a month survives suspended machines and clocks that are set.
  const timer = clock.setInterval(() => void refresh(), lookInterval);
  return {
    get current() {
      return current.key;
    },
    get keys() {
      return keys;
    },
    share() {
      isShared = true;
      return refresh();
    },
    refresh,
    close() {
      timer.cancel();
      closing.abort();
      return last;
    },
  };
}

function byAge(left: KeptKey, right: KeptKey): number {
  return left.createdAt - right.createdAt;
}

function isSame(found: readonly KeptKey[] | undefined, wanted: readonly KeptKey[]): boolean {
  return (
    found?.length === wanted.length &&
    found.every(({ text, createdAt }, index) => {
      const other = wanted[index];
      return other?.text === text && other.createdAt === createdAt;
    })
  );
}
