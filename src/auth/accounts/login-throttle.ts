import { hash } from 'node:crypto';
import { toAddressGroup } from '../../lib/address-group.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Store } from '../../state/store/store.ts';

/** Slows guessing down, by account and by network address, across processes and restarts. */
export interface LoginThrottle {
  /**
   * Counts an attempt before its password is looked at, so that guesses sent at once are all counted. Resolves to the milliseconds to
   * wait when it must not be made now, else to 0.
   */
  begin(attempt: Attempt): Promise<number>;
  /** The password was right: the account counts from the beginning, and this address is known to be its owner's. */
  succeed(attempt: Attempt): Promise<void>;
  /** Whether a login from this address succeeded within the last 30 days. */
  isKnown(attempt: Attempt): Promise<boolean>;
}

export interface Attempt {
  readonly name: string;
  readonly address: string;
}

interface Policy {
  /** Failures that cost no waiting. */
  readonly free: number;
  /** Milliseconds. */
  readonly longest: number;
}

const KIND = 'LoginThrottle';
const policies = {
  account: { free: 5, longest: 5 * 60_000 },
  // Many people may share an address.
  address: { free: 20, longest: 15 * 60_000 },
} as const satisfies Record<string, Policy>;
const dayMilliseconds = 86_400_000;
const knownFor = 30 * dayMilliseconds;

/**
 * Counts in the store: 5 failures of an account and 20 of a network address are free, then the wait doubles from a second up to 5 and 15
 * minutes. Failures are forgotten a day after the last, addresses of owners after 30 days. Rejects with the errors of the store.
 */
export function createLoginThrottle(store: Store, { clock }: { readonly clock: Clock }): LoginThrottle {
  async function count(id: string, policy: Policy): Promise<number> {
    let wait = 0;
    await store.update(KIND, id, (current) => {
      const now = clock.now();
      wait = Math.max(0, toNumber(current?.['until']) - now);
      // An attempt that is refused unseen makes the wait no longer, or nobody would ever get in during an attack.
      if (wait > 0) return undefined;
      const failures = toNumber(current?.['failures']) + 1;
      return {
        value: { failures, until: now + toDelay(failures, policy) },
        expiresAt: now + dayMilliseconds,
      };
    });
    return wait;
  }

  const isKnown = async ({ name, address }: Attempt): Promise<boolean> =>
    (await store.get(KIND, toPairId(name, address))) !== undefined;

  return {
    isKnown,
    async begin({ name, address }) {
      const wait = await count(toId('address', toAddressGroup(address)), policies.address);
      if (wait > 0) return wait;
      // Otherwise anybody could keep the owner out by guessing wrong.
      if (await isKnown({ name, address })) return 0;
      return count(toId('account', name), policies.account);
    },
    async succeed({ name, address }) {
      const now = clock.now();
      await store.update(KIND, toId('address', toAddressGroup(address)), (current) => {
        // One less, not none: or an attacker would log in to an account of his own between guesses at others.
        const failures = Math.max(0, toNumber(current?.['failures']) - 1);
        return { value: { failures, until: 0 }, expiresAt: now + dayMilliseconds };
      });
      await store.transaction([
        { action: 'delete', kind: KIND, id: toId('account', name) },
        { action: 'put', kind: KIND, id: toPairId(name, address), value: {}, expiresAt: now + knownFor },
      ]);
    },
  };
}

/** A second, twice as long after each further failure. */
function toDelay(failures: number, { free, longest }: Policy): number {
  return failures <= free ? 0 : Math.min(longest, 1000 * 2 ** Math.min(30, failures - free - 1));
}

function toNumber(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** A digest: the store need not say who failed to log in. */
function toId(subject: keyof typeof policies | 'pair', text: string): string {
  return hash('sha256', `${subject} ${text}`, 'hex');
}

function toPairId(name: string, address: string): string {
  return toId('pair', `${name} ${toAddressGroup(address)}`);
}
