import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import { ensureKey, importKeyFile, openKeyStore, type LoadedKeys } from '../../src/auth/key-file.ts';
import { createApiKeys } from '../../src/auth/keys/api-keys.ts';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import { createMemoryStore } from '../../src/state/store/memory-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

let parent: string;
let stateDir: string;
let clock: ManualClock;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'breakwater-keys-'));
  stateDir = join(parent, 'state');
  clock = new ManualClock(1_700_000_000_000);
});
afterEach(() => rm(parent, { recursive: true, force: true }));

/** What a start with `--auth key` does. */
async function loadOrCreateKeys(
  directory: string,
  name: string,
  at: Clock = systemClock,
): Promise<LoadedKeys> {
  // It is closed again before there is anything to sweep.
  const store = await openKeyStore({ stateDir: directory, clock: at, onProblem: () => undefined });
  try {
    return await ensureKey(store, { name, clock: at });
  } finally {
    store.close();
  }
}

/** Leaves the file of an earlier version behind. */
async function writeKeyFile(
  keys: readonly { readonly name: string; readonly sha256: string }[],
): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  await writeFile(join(stateDir, 'keys.json'), JSON.stringify({ keys }));
}

async function loadNames(): Promise<readonly string[]> {
  const { keys, created } = await loadOrCreateKeys(stateDir, 'default', clock);
  expect(created).toBeUndefined();
  return keys.map(({ name }) => name);
}

describe('stored API keys', () => {
  it('are made once, in a file that only its owner can read and that does not hold the key', async () => {
    const { keys, created = '' } = await loadOrCreateKeys(stateDir, 'default', clock);
    expect(keys).toMatchObject([
      { name: 'default', sha256: toKeyHash(created), scopes: [], expiresAt: undefined },
    ]);
    const file = join(stateDir, 'breakwater.db');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
    expect(await readFile(file, 'latin1')).not.toContain(created);
    expect(await loadOrCreateKeys(stateDir, 'other', clock)).toEqual({ keys, created: undefined });
  });

  it('are made by one of two that start at once, and the other one takes it', async () => {
    const loaded = await Promise.all([
      loadOrCreateKeys(stateDir, 'default', clock),
      loadOrCreateKeys(stateDir, 'default', clock),
    ]);
    expect(loaded.filter(({ created }) => created !== undefined)).toHaveLength(1);
    expect(loaded[0]?.keys).toEqual(loaded[1]?.keys);
  });

  it('are made anew when none counts any more, under a name that is free', async () => {
    const store = await openKeyStore({ stateDir, clock, onProblem: () => undefined });
    const apiKeys = createApiKeys(store, { clock });
    await apiKeys.create({ name: 'default', scopes: [], expiresAt: clock.now() + 1000 });
    store.close();
    expect(await loadNames()).toEqual(['default']);
    clock.advance(1000);
    const { keys, created } = await loadOrCreateKeys(stateDir, 'default', clock);
    expect(keys.map(({ name }) => name)).toEqual(['default-2']);
    expect(created).toMatch(/^bwk_/);
  });

  it('of an earlier version count on, and their file is put aside', async () => {
    const sha256 = toKeyHash(createKey());
    const other = toKeyHash(createKey());
    await writeKeyFile([
      { name: 'default', sha256 },
      { name: 'default', sha256: other },
    ]);
    expect(await loadNames()).toEqual(['default', 'default-2']);
    expect((await readdir(stateDir)).toSorted()).toEqual(['breakwater.db', 'keys.json.imported']);
  });

  it('attack: a revoked key comes back from the file of an earlier version', async () => {
    await writeKeyFile([{ name: 'default', sha256: toKeyHash(createKey()) }]);
    await loadNames();
    const store = await openKeyStore({ stateDir, clock, onProblem: () => undefined });
    const apiKeys = createApiKeys(store, { clock });
    await apiKeys.create({ name: 'other', scopes: [], expiresAt: undefined });
    expect(await apiKeys.revoke('default')).toBe(true);
    store.close();
    expect(await loadNames()).toEqual(['other']);
  });

  it('taking keys over is finished after it was broken off half way', async () => {
    const first = { name: 'default', sha256: toKeyHash(createKey()) };
    const second = { name: 'default', sha256: toKeyHash(createKey()) };
    const store = createMemoryStore({ clock });
    await writeKeyFile([first, second]);
    await importKeyFile(store, { stateDir, clock });
    await store.delete('ApiKey', 'default-2');
    await writeKeyFile([first, second]);
    await importKeyFile(store, { stateDir, clock });
    await writeKeyFile([first, second]);
    await importKeyFile(store, { stateDir, clock });
    expect((await store.list('ApiKey')).map(({ value }) => value['sha256'])).toEqual([
      first.sha256,
      second.sha256,
    ]);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"keys":{}}',
    '{"keys":[{"name":"a"}]}',
    '{"keys":[{"name":"a","sha256":"xyz"}]}',
  ])('damaged (%j): an error instead of a new key that would lock the others out', async (content) => {
    await loadOrCreateKeys(stateDir, 'default');
    await writeFile(join(stateDir, 'keys.json'), content);
    await expect(loadOrCreateKeys(stateDir, 'default')).rejects.toMatchObject({ code: 'E_AUTH_KEYS_FILE' });
  });

  it('a state directory that cannot be made is an error with a code', async () => {
    await writeFile(stateDir, '');
    await expect(loadOrCreateKeys(stateDir, 'default')).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
  });
});
