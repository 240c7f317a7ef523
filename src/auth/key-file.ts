import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { explainFileError, hasCode } from '../lib/file-errors.ts';
import { GatewayError, isGatewayError } from '../lib/gateway-error.ts';
import { parseJsonObject } from '../lib/json.ts';
import { readFileIfThere } from '../lib/read-if-there.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';
import { openRedisStore } from '../state/store/redis-store.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../state/store/sqlite-store.ts';
import type { Store } from '../state/store/store.ts';
import type { StoredKey } from './api-key.ts';
import { addKey, createApiKeys } from './keys/api-keys.ts';
import { keyKind, type KnownKey } from './keys/key-record.ts';

export interface LoadedKeys {
  /** Those that have not expired. */
  readonly keys: readonly KnownKey[];
  /** The key in clear, only when it was made just now; it is shown once and stored nowhere. */
  readonly created: string | undefined;
}

const FILE_NAME = 'keys.json';

export interface KeyStoreOptions extends SqliteStoreOptions {
  /** Where replicas share the store; it stays open. Without it the store is in the state directory. */
  readonly redis?: RedisConnection | undefined;
}

/**
 * Opens the store, and takes the keys that an earlier version left in the state directory into it. Rejects with a GatewayError like
 * `openSqliteStore` and `openRedisStore`, and with E_AUTH_KEYS_FILE.
 */
export async function openKeyStore(options: KeyStoreOptions): Promise<Store> {
  const { redis, clock } = options;
  const store = await (redis === undefined
    ? openSqliteStore(options)
    : openRedisStore({ connection: redis, clock }));
  try {
    await importKeyFile(store, options);
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Makes a key where none counts, so that somebody can come in. */
export async function ensureKey(
  store: Store,
  { name, clock }: { readonly name: string; readonly clock: Clock },
): Promise<LoadedKeys> {
  const apiKeys = createApiKeys(store, { clock });
  const listed = await apiKeys.list();
  const living = listed.filter(({ expiresAt = Infinity }) => expiresAt > clock.now());
  if (living.length > 0) return { keys: living, created: undefined };
  const free = toFreeName(name, new Set(listed.map((key) => key.name)));
  try {
    const created = await apiKeys.create({ name: free, scopes: [], expiresAt: undefined });
    return { keys: (await apiKeys.list()).filter((key) => key.name === free), created };
  } catch (error) {
    // Another process that starts at the same time was first, and its key is the one that is shown.
    if (isGatewayError(error) && error.code === 'E_NAME_TAKEN') return ensureKey(store, { name, clock });
    throw error;
  }
}

/**
 * Takes over the keys of `keys.json`, where earlier versions kept them, and puts the file aside: a key that is revoked afterwards
 * must not come back from it.
 */
export async function importKeyFile(
  store: Store,
  { stateDir, clock }: Pick<SqliteStoreOptions, 'stateDir' | 'clock'>,
): Promise<void> {
  const file = join(stateDir, FILE_NAME);
  const found = await loadKeyFile(file);
  if (found === undefined) return;
  for (const key of found) {
    const known = { ...key, scopes: [], expiresAt: undefined, createdAt: clock.now(), lastUsedAt: undefined };
    await addUnderFreeName(store, known);
  }
  await putAside(file);
}

/** Another process may do the same at this moment, or was stopped half way: a key that is there is left alone. */
async function addUnderFreeName(store: Store, key: KnownKey): Promise<void> {
  let { name } = key;
  for (let number = 2; !(await addKey(store, { ...key, name })); number += 1) {
    if ((await store.get(keyKind, name))?.['sha256'] === key.sha256) return;
    name = `${key.name}-${number}`;
  }
}

async function putAside(file: string): Promise<void> {
  try {
    await rename(file, `${file}.imported`);
  } catch (error) {
    // Another process took the keys over at the same time.
    if (hasCode(error, 'ENOENT')) return;
    const message = `cannot rename \`${file}\`: ${explainFileError(error)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause: error });
  }
}

function toFreeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
  return free;
}

async function loadKeyFile(file: string): Promise<readonly StoredKey[] | undefined> {
  let text: string | undefined;
  try {
    text = await readFileIfThere(file);
  } catch (error) {
    throw new GatewayError('E_STATE_UNWRITABLE', `the keys in \`${file}\` cannot be read`, { cause: error });
  }
  if (text === undefined) return undefined;
  const keys = parseKeys(text);
  if (keys === undefined) {
    throw new GatewayError('E_AUTH_KEYS_FILE', `\`${file}\` does not hold API keys`, {
      hint: 'restore the file from a backup, or delete it to go on without its keys',
    });
  }
  return keys;
}

function parseKeys(text: string): readonly StoredKey[] | undefined {
  const keys = parseJsonObject(text)?.['keys'];
  return Array.isArray(keys) && keys.every(isStoredKey) ? keys : undefined;
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false;
  const isNamed = 'name' in value && typeof value.name === 'string';
  return (
    isNamed && 'sha256' in value && typeof value.sha256 === 'string' && /^[\da-f]{64}$/.test(value.sha256)
  );
}
