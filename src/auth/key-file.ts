import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../lib/gateway-error.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../state/directory.ts';
import { createKey, toKeyHash, type StoredKey } from './api-key.ts';

export interface LoadedKeys {
  readonly keys: readonly StoredKey[];
  /** The key in clear, only when it was made just now; it is shown once and stored nowhere. */
  readonly created: string | undefined;
}

const FILE_NAME = 'keys.json';

/** Loads the keys kept in the state directory, or makes the first one. Only digests are written, readable by the owner alone. */
export async function loadOrCreateKeys(stateDir: string, name: string): Promise<LoadedKeys> {
  const stored = await loadKeys(join(stateDir, FILE_NAME));
  if (stored.length > 0) return { keys: stored, created: undefined };
  const created = createKey();
  const keys = [{ name, sha256: toKeyHash(created) }];
  await ensurePrivateDirectory(stateDir);
  const data = `${JSON.stringify({ keys }, undefined, 2)}\n`;
  await writeFileAtomically(stateDir, { name: FILE_NAME, data, mode: 0o600 });
  return { keys, created };
}

async function loadKeys(file: string): Promise<readonly StoredKey[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new GatewayError('E_STATE_UNWRITABLE', `the keys in \`${file}\` cannot be read`, { cause: error });
  }
  const keys = parseKeys(text);
  if (keys === undefined) {
    throw new GatewayError('E_AUTH_KEYS_FILE', `\`${file}\` does not hold API keys`, {
      hint: 'restore the file from a backup, or delete it to make a new key',
    });
  }
  return keys;
}

function parseKeys(text: string): readonly StoredKey[] | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof content !== 'object' || content === null || !('keys' in content)) return undefined;
  return Array.isArray(content.keys) && content.keys.every(isStoredKey) ? content.keys : undefined;
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false;
  const isNamed = 'name' in value && typeof value.name === 'string';
  return (
    isNamed && 'sha256' in value && typeof value.sha256 === 'string' && /^[\da-f]{64}$/.test(value.sha256)
  );
}
