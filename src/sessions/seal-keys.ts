import { createSecretKey, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { createKeyRing } from '../state/key-ring.ts';
import type { SharedTexts } from '../state/shared-text.ts';
import type { SealKey, SealKeyring } from './seal.ts';

export interface SealKeysOptions {
  /** Where the keys lie, as `sessions/seal-keys.json`. */
  readonly texts: SharedTexts;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept there and are this process's own (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE). */
  readonly report: (warning: Diagnostic) => void;
}

/** The keys that session ids are sealed with. */
export interface SealKeys extends SealKeyring {
  /** From now on they are the same in all processes that share the texts. Resolves when they are. */
  share(): Promise<void>;
  /** Looks now whether a key is due, or another process has made one; also happens by itself, each minute. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

const day = 24 * 3_600_000;
const keyBytes = 32;

/**
 * A session lives for up to 30 days: so long the key it was sealed with stays. Whoever reads the keys can turn a stolen session id into
 * one of their own, but still has to log in to use it.
 */
const schedule = { lifetime: 30 * day, publishedBefore: 5 * 60_000, keptFor: 30 * day };

/** Keys for `createSessionSeal`, made and replaced as time demands. */
export function createSealKeys(options: SealKeysOptions): SealKeys {
  let listHeld = (): readonly SealKey[] => [];
  /** With an id of its own among those that are held, or sessions of the other key would be unknown. */
  const make = (): SealKey => {
    const taken = new Set(listHeld().map(({ id }) => id));
    let bytes = randomBytes(keyBytes + 1);
    while (taken.has(bytes[0] ?? 0)) bytes = randomBytes(keyBytes + 1);
    return toSealKey(bytes);
  };
  const ring = createKeyRing<SealKey>({
    storage: options.texts('sessions/seal-keys.json'),
    schedule,
    clock: options.clock,
    report: options.report,
    consequence: 'sessions are good in this process only',
    make,
    toText: ({ id, secret }) => Buffer.concat([Buffer.of(id), secret.export()]).toString('base64'),
    fromText(text) {
      const bytes = Buffer.from(text, 'base64');
      return bytes.length === keyBytes + 1 ? toSealKey(bytes) : undefined;
    },
  });
  listHeld = () => ring.keys;
  return {
    get current() {
      return ring.current;
    },
    find: (id) => ring.keys.find((key) => key.id === id),
    share: () => ring.share(),
    refresh: () => ring.refresh(),
    close: () => ring.close(),
  };
}

/** The first byte names the key. */
function toSealKey(bytes: Buffer): SealKey {
  return { id: bytes[0] ?? 0, secret: createSecretKey(bytes.subarray(1)) };
}
