import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toKeyHash } from '../../../src/auth/api-key.ts';
import { openKeyStore } from '../../../src/auth/key-file.ts';
import { createApiKeys } from '../../../src/auth/keys/api-keys.ts';
import type { KnownKey } from '../../../src/auth/keys/key-record.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { runCli, type Outcome } from '../capture-io.ts';

const day = 86_400_000;

async function listKeys(): Promise<readonly KnownKey[]> {
  const store = await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined });
  try {
    return await createApiKeys(store, { clock: systemClock }).list();
  } finally {
    store.close();
  }
}

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-cli-keys-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

const run = (...argv: string[]): Promise<Outcome> => runCli(['keys', ...argv, '--state-dir', stateDir]);

describe('keys create', () => {
  it('shows the key alone on standard output, and what it may do beside it', async () => {
    const { exit, stdout, stderr } = await run(
      'create',
      '--name',
      'ci',
      '--scopes',
      'a,b a',
      '--expires',
      '90d',
    );
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^bwk_[\w-]{43}_[\da-f]{8}\n$/);
    expect(stderr).toMatch(
      /^API key ci: scopes a b, expires \d{4}-\d\d-\d\d \(90 days\); it is shown only now\n$/,
    );
    const keys = await listKeys();
    expect(keys).toMatchObject([{ name: 'ci', sha256: toKeyHash(stdout.trimEnd()), scopes: ['a', 'b'] }]);
    const left = (keys[0]?.expiresAt ?? 0) - Date.now();
    expect(left).toBeGreaterThan(90 * day - 60_000);
    expect(left).toBeLessThanOrEqual(90 * day);
  });

  it('is one object with --json', async () => {
    const { stdout, stderr } = await run('create', '--name', 'ci', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      schema: 'breakwater.keys-create/1',
      name: 'ci',
      scopes: [],
      expiresAt: null,
      key: expect.stringMatching(/^bwk_/),
    });
  });

  it('refuses a name that is taken, and keeps the first key', async () => {
    await run('create', '--name', 'ci');
    const { exit, stdout, stderr } = await run('create', '--name', 'ci');
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain('error[E_NAME_TAKEN]');
    expect(await listKeys()).toHaveLength(1);
  });

  it('makes nothing of a mistake', async () => {
    for (const argv of [
      ['--name', '.a'],
      ['--name', 'a', '--expires', '4000d'],
      ['--name', 'a', '--scopes', 'ä'],
    ]) {
      expect((await run('create', ...argv)).exit).toBe(2);
    }
    expect(await readdir(stateDir)).toEqual([]);
  });
});

describe('keys list', () => {
  it('has a line for each key, with end and last use', async () => {
    const store = await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined });
    const keys = createApiKeys(store, { clock: systemClock });
    const now = Date.now();
    await keys.create({ name: 'unlimited', scopes: [], expiresAt: undefined });
    await keys.create({ name: 'over', scopes: ['a', 'b'], expiresAt: now - 3 * day });
    const used = await keys.create({ name: 'ci', scopes: ['a'], expiresAt: now + 9.5 * day });
    await keys.noteUse({ name: 'ci', sha256: toKeyHash(used) });
    store.close();
    const { exit, stdout, stderr } = await run('list');
    expect([exit, stderr]).toEqual([0, '']);
    const today = new Date(now).toISOString().slice(0, 10);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['NAME', 'SCOPES', 'CREATED', 'EXPIRES', 'USED'],
      ['ci', 'a', today, expect.stringContaining('(9 days)'), expect.stringMatching(/:00 UTC$/)],
      ['over', 'a b', today, expect.stringContaining('(ended 3 days ago)'), 'never'],
      ['unlimited', '-', today, 'never', 'never'],
    ]);
    const { keys: listed } = JSON.parse((await run('list', '--json')).stdout) as {
      keys: { isExpired: boolean }[];
    };
    expect(listed.map(({ isExpired }) => isExpired)).toEqual([false, true, false]);
    expect(JSON.stringify(listed)).not.toContain(toKeyHash(used));
  });

  it('says that there are none, and makes nothing', async () => {
    expect(await run('list')).toEqual({ exit: 0, stdout: '', stderr: `no API keys in ${stateDir}\n` });
    expect(await readdir(stateDir)).toEqual([]);
  });

  it('has the keys of an earlier version', async () => {
    const keys = [{ name: 'old', sha256: toKeyHash('x') }];
    await writeFile(join(stateDir, 'keys.json'), JSON.stringify({ keys }));
    expect((await run('list')).stdout).toMatch(/^old /m);
  });

  it('tells what is wrong with a store that cannot be read', async () => {
    await writeFile(join(stateDir, 'breakwater.db'), 'x'.repeat(1000));
    const { exit, stderr } = await run('list');
    expect([exit, stderr]).toEqual([2, expect.stringContaining('error[E_STATE_DAMAGED]')]);
  });
});

describe('keys revoke', () => {
  it('ends the key', async () => {
    await run('create', '--name', 'ci');
    expect(await run('revoke', 'ci')).toEqual({
      exit: 0,
      stdout: '',
      stderr: 'revoked the API key ci; a running gateway refuses it within five seconds\n',
    });
    expect((await run('list')).stderr).toBe(`no API keys in ${stateDir}\n`);
  });

  it('says which name was perhaps meant', async () => {
    await run('create', '--name', 'builder');
    const { exit, stderr } = await run('revoke', 'bulider');
    expect(exit).toBe(2);
    expect(stderr).toContain('error[E_NAME_UNKNOWN]: there is no API key `bulider`');
    expect(stderr).toContain('did you mean `builder`?');
    expect((await run('list')).stdout).toContain('builder');
  });
});

describe('keys jwks', () => {
  it('prints public keys alone, the same each time', async () => {
    const { exit, stdout, stderr } = await run('jwks');
    expect([exit, stderr]).toEqual([0, '']);
    const jwks = JSON.parse(stdout) as { keys: Record<string, unknown>[] };
    expect(jwks.keys.length).toBeGreaterThan(0);
    for (const key of jwks.keys) expect(Object.keys(key)).not.toContain('d');
    expect(JSON.parse((await run('jwks', '--json')).stdout)).toEqual({
      schema: 'breakwater.keys-jwks/1',
      jwks,
    });
  });
});
