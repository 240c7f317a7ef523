import type { StoredValue, StoreEntry } from '../../state/store/store.ts';
import type { KeyFacts } from './key-principal.ts';

/** A key of the store; times are wall-clock milliseconds. */
export interface KnownKey extends KeyFacts {
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
  readonly createdAt: number;
  /** The beginning of the hour in which it was last used; `undefined` when it never was. */
  readonly lastUsedAt: number | undefined;
}

/** The kind of these records; the name is their id. */
export const keyKind = 'ApiKey';

/** What is kept of a key: never the key. */
export function toKeyValue({ sha256, scopes, createdAt, expiresAt, lastUsedAt }: KnownKey): StoredValue {
  return { sha256, scopes, createdAt, expiresAt: expiresAt ?? null, lastUsedAt: lastUsedAt ?? null };
}

/** Reads a record; `undefined` for one that nobody of us wrote, which is then no key. */
export function fromKeyEntry({ id: name, value }: StoreEntry): KnownKey | undefined {
  const { sha256, scopes, createdAt, expiresAt, lastUsedAt } = value;
  if (typeof sha256 !== 'string' || !/^[\da-f]{64}$/.test(sha256) || !isTextList(scopes)) return undefined;
  if (typeof createdAt !== 'number' || !isTime(expiresAt) || !isTime(lastUsedAt)) return undefined;
  return {
    name,
    sha256,
    scopes,
    createdAt,
    expiresAt: expiresAt ?? undefined,
    lastUsedAt: lastUsedAt ?? undefined,
  };
}

function isTime(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
