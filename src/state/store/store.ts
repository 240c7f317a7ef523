/** What a record holds: a JSON object. Whoever reads it checks its form. */
export type StoredValue = Readonly<Record<string, unknown>>;

export interface StoreEntry {
  /** The digest of the id for kinds whose ids are secrets. */
  readonly id: string;
  readonly value: StoredValue;
}

export interface PutOptions {
  /** Wall-clock milliseconds from which on the record is gone; absent or `undefined`: it stays. */
  readonly expiresAt?: number | undefined;
}

/** One write of several that happen together. */
export type StoreWrite =
  | ({
      readonly action: 'put';
      readonly kind: string;
      readonly id: string;
      readonly value: StoredValue;
    } & PutOptions)
  | { readonly action: 'delete'; readonly kind: string; readonly id: string };

/** What `update` puts in the place of a record; `undefined` leaves it as it is. */
export type StoreChange = ({ readonly value: StoredValue } & PutOptions) | undefined;

/**
 * Records that outlive the process: API keys, accounts, logins. A record has a kind, which the table `kinds.ts` must know, and an id
 * that is unique within it; an expired record is never returned. A promise that resolves means that the write survives a crash.
 * All functions reject with a GatewayError (E_STATE_UNWRITABLE) when the store cannot be read or written, and with a plain error for
 * a kind or field that the table does not have, which is a bug of the caller.
 */
export interface Store {
  get(kind: string, id: string): Promise<StoredValue | undefined>;
  /** Replaces what was there. String fields that the table calls indexed can be searched from then on. */
  put(kind: string, id: string, value: StoredValue, options?: PutOptions): Promise<void>;
  delete(kind: string, id: string): Promise<void>;
  /** All records with this value of an indexed field, in the order of their ids. */
  find(kind: string, field: string, value: string): Promise<readonly StoreEntry[]>;
  /** Takes a record out: of all who ask, in whatever process, one gets it and the others `undefined`. */
  consume(kind: string, id: string): Promise<StoredValue | undefined>;
  /** Deletes all records with this value of an indexed field, at once: how a grant ends. */
  deleteWhere(kind: string, field: string, value: string): Promise<void>;
  list(kind: string): Promise<readonly StoreEntry[]>;
  /** Changes a record with nobody in between; `change` must not wait. Resolves to whether something was written. */
  update(
    kind: string,
    id: string,
    change: (current: StoredValue | undefined) => StoreChange,
  ): Promise<boolean>;
  /** Does all of the writes, or after a crash none. */
  transaction(writes: readonly StoreWrite[]): Promise<void>;
  /**
   * Calls after each write to one of the kinds, of this process at once and of others within two seconds; it may call when nothing
   * changed. Returns how to stop.
   */
  watch(kinds: readonly string[], onChange: () => void): () => void;
  /** Ends timers and lets go of the file; nothing may be called afterwards. Idempotent. */
  close(): void;
}
