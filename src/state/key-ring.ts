import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { toErrorMessage } from '../lib/error-message.ts';
import { GatewayError, isGatewayError } from '../lib/gateway-error.ts';
import { formatKeptKeys, parseKeptKeys, type KeptKey } from './kept-keys.ts';
import { chooseKey, isKeyDue, retainKeys, type KeySchedule } from './key-schedule.ts';
import type { SharedText } from './shared-text.ts';

export interface KeyRingOptions<Key> {
  /** Where the keys are kept. */
  readonly storage: SharedText;
  readonly schedule: KeySchedule;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept and are this process's own (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE). */
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
  /** From now on they are the same in all processes that share the storage; nothing is read or written before. Resolves when they are. */
  share(): Promise<void>;
  /** Looks now whether a key is due, or another process has made one; also happens by itself, each minute. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface Entry<Key> extends KeptKey {
  readonly key: Key;
}

const lookInterval = 60_000;

/** What was found, and the text that it was found in. */
interface Found<Key> {
  readonly text: string | undefined;
  /** `undefined` where there is no key. */
  readonly entries: readonly Entry<Key>[] | undefined;
}

/**
 * Makes keys, replaces them in time and keeps them. They are only put in the place of those that were read, so of processes that start
 * or find a key due at the same moment one makes it and the others take it.
 */
export function createKeyRing<Key>(options: KeyRingOptions<Key>): KeyRing<Key> {
  const { storage, schedule, clock, report } = options;
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

  const read = async (): Promise<Found<Key>> => {
    const text = await storage.read();
    const content = text === undefined ? undefined : parseKeptKeys(text);
    if (content?.kind === 'newer')
      throw new GatewayError(
        'E_STATE_UNWRITABLE',
        `\`${storage.place}\` was written by a newer version and stays as it is`,
      );
    if (content?.kind !== 'keys') return { text, entries: undefined };
    const found = content.keys.flatMap((kept) => {
      const key = options.fromText(kept.text);
      return key === undefined ? [] : [{ key, text: kept.text, createdAt: kept.createdAt }];
    });
    return { text, entries: found.length === 0 ? undefined : found.toSorted(byAge) };
  };
  const addDueKey = (): void => {
    if (isKeyDue(entries, schedule, clock.now())) adopt([...entries, make()].toSorted(byAge));
  };
  /** Brings storage and memory together, again whenever another process does so at the same time. */
  const synchronize = async (): Promise<void> => {
    const { signal } = closing;
    for (;;) {
      signal.throwIfAborted();
      const found = await read();
      if (found.entries !== undefined) adopt(found.entries);
      addDueKey();
      if (isSame(found.entries, entries)) return;
      const text = formatKeptKeys(entries.map((entry) => ({ text: entry.text, createdAt: entry.createdAt })));
      if (await storage.replace({ before: found.text, text, signal })) return;
    }
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
      const message = toErrorMessage(error);
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
