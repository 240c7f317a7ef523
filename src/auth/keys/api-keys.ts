import type { Clock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { PutOptions, Store } from '../../state/store/store.ts';
import { createKey, toKeyHash } from '../api-key.ts';
import { fromKeyEntry, keyKind, toKeyValue, type KnownKey } from './key-record.ts';
import type { KeyFacts } from './key-principal.ts';

/** The API keys of the store. */
export interface ApiKeys {
  /** Makes a key and returns it: it is in no other place. Rejects with a GatewayError: E_NAME_TAKEN. */
  create(facts: KeyFacts): Promise<string>;
  /** By name; expired ones for 30 days longer. */
  list(): Promise<readonly KnownKey[]>;
  /** Ends a key for good. Resolves to false when there is none of this name. */
  revoke(name: string): Promise<boolean>;
  /** Notes that a key was used just now, to the hour. */
  noteUse(key: { readonly name: string; readonly sha256: string }): Promise<void>;
}

const hourMilliseconds = 3_600_000;
const listedAfterEnd = 30 * 24 * hourMilliseconds;

export function createApiKeys(store: Store, { clock }: { readonly clock: Clock }): ApiKeys {
  return {
    async create(facts) {
      const key = createKey();
      const known = { ...facts, sha256: toKeyHash(key), createdAt: clock.now(), lastUsedAt: undefined };
      if (await addKey(store, known)) return key;
      throw new GatewayError('E_NAME_TAKEN', `there is an API key \`${facts.name}\` already`, {
        hint: `choose another name, or run \`breakwater keys revoke ${facts.name}\` first`,
      });
    },
    async list() {
      const entries = await store.list(keyKind);
      return entries.map(fromKeyEntry).filter((key) => key !== undefined);
    },
    revoke: async (name) => (await store.consume(keyKind, name)) !== undefined,
    async noteUse({ name, sha256 }) {
      const lastUsedAt = toHour(clock.now());
      await store.update(keyKind, name, (value) => {
        const known = value === undefined ? undefined : fromKeyEntry({ id: name, value });
        // A key of the same name that was made meanwhile is another key.
        if (known === undefined || known.sha256 !== sha256 || known.lastUsedAt === lastUsedAt)
          return undefined;
        return toChange({ ...known, lastUsedAt });
      });
    },
  };
}

/** Puts a key into the store unless its name is taken; resolves to whether it did. */
export function addKey(store: Store, key: KnownKey): Promise<boolean> {
  return store.update(keyKind, key.name, (current) => (current === undefined ? toChange(key) : undefined));
}

/** The beginning of an hour: coarse enough that use costs no writes, and tells little about habits. */
export function toHour(time: number): number {
  return time - (time % hourMilliseconds);
}

function toChange(key: KnownKey): { readonly value: ReturnType<typeof toKeyValue> } & PutOptions {
  const { expiresAt } = key;
  return {
    value: toKeyValue(key),
    expiresAt: expiresAt === undefined ? undefined : expiresAt + listedAfterEnd,
  };
}
