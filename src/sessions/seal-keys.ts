import { createSecretKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { createKeyRing } from '../state/key-ring.ts';
import type { SealKey, SealKeyring } from './seal.ts';

export interface SealKeysOptions {
  /** Absolute path; the keys lie in `sessions/seal-keys.json` below it. */
  readonly stateDir: string;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept there and are this process's own (E_STATE_UNWRITABLE). */
  readonly report: (warning: Diagnostic) => void;
}

/** The keys that session ids are sealed with. */
export interface SealKeys extends SealKeyring {
  /** From now on they are the same in all processes of the state directory. Resolves when they are. */
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
  const ring = createKeyRing<SealKey>({
    directory: join(options.stateDir, 'sessions'),
    fileName: 'seal-keys.json',
    schedule,
    clock: options.clock,
    report: options.report,
    consequence: 'sessions are good in this process only',
    make: () => toSealKey(randomBytes(keyBytes + 1)),
    toText: ({ id, secret }) => Buffer.concat([Buffer.of(id), secret.export()]).toString('base64'),
    fromText(text) {
      const bytes = Buffer.from(text, 'base64');
      return bytes.length === keyBytes + 1 ? toSealKey(bytes) : undefined;
    },
  });
  return {
    get current() {
      return ring.current;
    },
    // Of two keys with one id, one in 256 times, the newer counts: sessions of the other begin anew.
    find: (id) => ring.keys.findLast((key) => key.id === id),
    share: () => ring.share(),
    refresh: () => ring.refresh(),
    close: () => ring.close(),
  };
}

/** The first byte names the key. */
function toSealKey(bytes: Buffer): SealKey {
  return { id: bytes[0] ?? 0, secret: createSecretKey(bytes.subarray(1)) };
}
