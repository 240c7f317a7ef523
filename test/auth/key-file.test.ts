import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toKeyHash } from '../../src/auth/api-key.ts';
import { loadOrCreateKeys } from '../../src/auth/key-file.ts';

let parent: string;
let stateDir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'breakwater-keys-'));
  stateDir = join(parent, 'state');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('stored API keys', () => {
  it('are made once, in a file that only its owner can read and that does not hold the key', async () => {
    const { keys, created = '' } = await loadOrCreateKeys(stateDir, 'default');
    expect(keys).toEqual([{ name: 'default', sha256: toKeyHash(created) }]);
    const file = join(stateDir, 'keys.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
    expect(await readFile(file, 'utf8')).not.toContain(created);
    expect(await loadOrCreateKeys(stateDir, 'other')).toEqual({ keys, created: undefined });
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
