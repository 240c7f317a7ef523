import type { StoredValue, StoreEntry } from '../../state/store/store.ts';

/** A person who may log in with a password; times are wall-clock milliseconds. */
export interface Account {
  /** In lower case; also the subject of tokens. */
  readonly name: string;
  readonly email: string | undefined;
  readonly createdAt: number;
  /** When the password was set; logins from before go on. */
  readonly passwordChangedAt: number;
}

export interface StoredAccount extends Account {
  /** In the PHC string format. */
  readonly passwordHash: string;
}

/** The kind of these records; the name is their id. */
export const accountKind = 'Account';

export function toAccountValue({
  email,
  createdAt,
  passwordChangedAt,
  passwordHash,
}: StoredAccount): StoredValue {
  return { email: email ?? null, createdAt, passwordChangedAt, passwordHash };
}

/** Reads a record; `undefined` for one that nobody of us wrote: nobody can log in with it. */
export function fromAccountEntry({ id: name, value }: StoreEntry): StoredAccount | undefined {
  const { email, createdAt, passwordChangedAt, passwordHash } = value;
  if (email !== null && typeof email !== 'string') return undefined;
  if (typeof createdAt !== 'number' || typeof passwordChangedAt !== 'number') return undefined;
  if (typeof passwordHash !== 'string') return undefined;
  return { name, email: email ?? undefined, createdAt, passwordChangedAt, passwordHash };
}

/** What others may know of an account. */
export function toAccount({ name, email, createdAt, passwordChangedAt }: StoredAccount): Account {
  return { name, email, createdAt, passwordChangedAt };
}
