import type { Clock } from '../../lib/clock.ts';
import { maxKeyLength, toKeyHash } from '../api-key.ts';
import type { Principal } from '../principal.ts';
import { toKeyPrincipal, type KeyFacts } from './key-principal.ts';

/** A key that the configuration lists. */
export interface ListedKey extends KeyFacts {
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
}

/** Finds who holds a key; `undefined`: nobody, or no more. The same object each time, so results may be compared and kept. */
export type FindKeyHolder = (key: string) => Principal | undefined;

/** Builds the check for keys that the configuration lists. It compares digests, so timing tells nothing about a key. */
export function buildListedKeyVerifier(
  keys: readonly ListedKey[],
  { clock }: { readonly clock: Clock },
): FindKeyHolder {
  const holders = new Map(keys.map((key) => [key.sha256, toKeyPrincipal(key)]));
  return function findKeyHolder(key) {
    if (key.length > maxKeyLength) return undefined;
    const holder = holders.get(toKeyHash(key));
    return holder === undefined || (holder.expiresAt ?? Infinity) <= clock.now() ? undefined : holder;
  };
}
