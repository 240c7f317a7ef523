import { hash, randomInt } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { Store } from '../../state/store/store.ts';

/** One-time codes that the single owner of a gateway reads from its terminal. */
export interface OwnerCodes {
  /** Makes a code for a login flow and shows it; `throttled` when too many were asked for. */
  issue(uid: string): Promise<'shown' | 'throttled'>;
  /** Checks a code: it counts once, for the flow it was made for, and five guesses use it up. */
  redeem(uid: string, code: string): Promise<'ok' | 'wrong' | 'expired'>;
}

const KIND = 'OwnerCode';
const LIFETIME = 600_000;
const GUESSES = 5;
/** Codes that may be shown in ten minutes, over all flows: together with the guesses, that leaves no chance worth a name. */
const CODES = 5;
/** Without characters that look alike (Crockford). */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export function createOwnerCodes(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly show: (code: string) => void;
}): OwnerCodes {
  const { store, clock, show } = options;
  let shown: readonly number[] = [];
  /** Guesses at one code are taken one after the other, so that none is uncounted. */
  const queue = new SerialQueue();

  async function check(uid: string, code: string): Promise<'ok' | 'wrong' | 'expired'> {
    const record = await store.consume(KIND, uid);
    const expiresAt = Number(record?.['expiresAt'] ?? 0);
    if (record === undefined || expiresAt <= clock.now()) return 'expired';
    if (record['digest'] === digestOf(uid, code)) return 'ok';
    const guesses = Number(record['guesses']) + 1;
    if (guesses >= GUESSES) return 'expired';
    await store.put(KIND, uid, { ...record, guesses }, { expiresAt });
    return 'wrong';
  }

  return {
    async issue(uid) {
      const now = clock.now();
      shown = shown.filter((time) => time > now - LIFETIME);
      if (shown.length >= CODES) return 'throttled';
      shown = [...shown, now];
      const code = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)] ?? '').join('');
      const expiresAt = now + LIFETIME;
      await store.put(KIND, uid, { digest: digestOf(uid, code), guesses: 0, expiresAt }, { expiresAt });
      show(`${code.slice(0, 4)}-${code.slice(4)}`);
      return 'shown';
    },
    redeem: (uid, code) => queue.run(() => check(uid, code)),
  };
}

/** People type what they read: case, dashes and spaces do not matter, and look-alikes stand for each other. */
function digestOf(uid: string, code: string): string {
  const plain = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return hash('sha256', `${uid} ${plain}`, 'hex');
}
