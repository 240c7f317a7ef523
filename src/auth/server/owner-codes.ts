import { hash, randomInt } from 'node:crypto';
import { toAddressGroup } from '../../lib/address-group.ts';
import type { Clock } from '../../lib/clock.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { Store } from '../../state/store/store.ts';
import { createLoginThrottle } from '../accounts/login-throttle.ts';

/** One-time codes that the single owner of a gateway reads from its terminal. */
export interface OwnerCodes {
  /** Makes a code for a login flow and shows it; `throttled` when too many were asked for, from this network address or from all. */
  issue(uid: string, address: string): Promise<'shown' | 'throttled'>;
  /** Checks a code: it counts once, for the flow it was made for, and five guesses use it up. */
  redeem(uid: string, code: string, address: string): Promise<'ok' | 'wrong' | 'expired'>;
}

const KIND = 'OwnerCode';
const LIFETIME = 600_000;
const GUESSES = 5;
/** Codes that an address may ask for in ten minutes: anybody may ask, and would keep the owner out if all shared these. */
const CODES = 5;
/**
 * Codes in ten minutes for all addresses where the owner never logged in, so that the terminal can be read. With five guesses at each,
 * somebody who tries all year gets in with a chance of 1 to 40,000.
 */
const CODES_IN_ALL = 100;
/** The owner, to the throttle of logins: no account can have this name. */
const OWNER = '*owner';
/** Without characters that look alike (Crockford). */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

interface ShownCode {
  readonly at: number;
  /** Of the address that asked. */
  readonly group: string;
  /** Whether the owner has logged in from there. */
  readonly isKnown: boolean;
}

export function createOwnerCodes(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly show: (code: string) => void;
}): OwnerCodes {
  const { store, clock, show } = options;
  const throttle = createLoginThrottle(store, { clock });
  let shown: readonly ShownCode[] = [];
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
    async issue(uid, address) {
      const group = toAddressGroup(address);
      const isKnown = await throttle.isKnown({ name: OWNER, address });
      const now = clock.now();
      shown = shown.filter(({ at }) => at > now - LIFETIME);
      if (shown.filter((code) => code.group === group).length >= CODES) return 'throttled';
      // code-flood: strangers share what is there for strangers.
      if (!isKnown && shown.filter((code) => !code.isKnown).length >= CODES_IN_ALL) return 'throttled';
      shown = [...shown, { at: now, group, isKnown }];
      const code = Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)] ?? '').join('');
      const expiresAt = now + LIFETIME;
      await store.put(KIND, uid, { digest: digestOf(uid, code), guesses: 0, expiresAt }, { expiresAt });
      show(`${code.slice(0, 4)}-${code.slice(4)}`);
      return 'shown';
    },
    async redeem(uid, code, address) {
      const outcome = await queue.run(() => check(uid, code));
      if (outcome === 'ok') await throttle.succeed({ name: OWNER, address });
      return outcome;
    },
  };
}

/** People type what they read: case, dashes and spaces do not matter, and look-alikes stand for each other. */
function digestOf(uid: string, code: string): string {
  const plain = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return hash('sha256', `${uid} ${plain}`, 'hex');
}
