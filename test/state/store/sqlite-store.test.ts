import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/state/store/sqlite-file.ts';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { until } from '../../support/until.ts';
import { createSqliteFixture, type StoreFixture } from './stores.ts';

let fixture: StoreFixture;
let file: string;
beforeEach(async () => {
  fixture = await createSqliteFixture();
  file = join(fixture.stateDir, 'breakwater.db');
});
afterEach(() => fixture.clean());

const open = (stateDir = fixture.stateDir): Promise<Store> =>
  openSqliteStore({ stateDir, clock: fixture.clock, onProblem: (error) => fixture.problems.push(error) });

async function modes(): Promise<(number | undefined)[]> {
  return Promise.all(['', '-wal', '-shm'].map(async (end) => (await stat(file + end)).mode & 0o777));
}

describe('the file of the store', () => {
  it('attack: another user of the machine reads it, whatever the umask', async () => {
    const stateDir = join(fixture.stateDir, 'fresh');
    const before = process.umask(0);
    try {
      file = join(stateDir, 'breakwater.db');
      const store = await open(stateDir);
      await store.put('Grant', 'a', {});
      expect(await modes()).toEqual([0o600, 0o600, 0o600]);
      expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
      store.close();
    } finally {
      process.umask(before);
    }
  });

  it('takes rights back that somebody gave to all', async () => {
    fixture.store.close();
    await chmod(file, 0o644);
    const store = await open();
    await store.put('Grant', 'a', {});
    expect(await modes()).toEqual([0o600, 0o600, 0o600]);
    store.close();
  });

  it('keeps what it was given when it is opened again', async () => {
    await fixture.store.put('Session', 'a', { uid: 'u' });
    fixture.store.close();
    const store = await open();
    expect(await store.find('Session', 'uid', 'u')).toEqual([{ id: 'a', value: { uid: 'u' } }]);
    store.close();
  });

  it('waits for the disk at each commit, beside a log', async () => {
    const { database } = await openDatabase(fixture.stateDir);
    const read = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    const settings = { journal: read('journal_mode'), synchronous: read('synchronous') };
    database.close();
    // 2 is FULL.
    expect(settings).toEqual({ journal: 'wal', synchronous: 2 });
  });
});

describe('a store that must not be touched', () => {
  /** What opening it says, once the file is found as it was. */
  async function openInVain(): Promise<unknown> {
    const before = await readFile(file);
    const error = await open().then(
      () => new Error('it was opened'),
      (reason: unknown) => reason,
    );
    expect(await readFile(file)).toEqual(before);
    return error;
  }

  it('is one of a newer version', async () => {
    await fixture.store.put('Grant', 'a', {});
    fixture.store.close();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 2');
    newer.close();
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_VERSION',
      message: expect.stringContaining('has version 2; this Breakwater knows 1'),
    });
  });

  it('is one of a newer version whose last words are still in the log', async () => {
    fixture.store.close();
    // Killed before it could clean up: the version is in the log alone.
    const script = `const { DatabaseSync } = require('node:sqlite');
      new DatabaseSync(${JSON.stringify(file)}).exec('PRAGMA user_version = 3');
      process.kill(process.pid, 'SIGKILL');`;
    await promisify(execFile)(process.execPath, ['-e', script]).catch(() => undefined);
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0);
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_VERSION',
      message: expect.stringContaining('has version 3'),
    });
  });

  it('is one of another program', async () => {
    fixture.store.close();
    const foreign = new DatabaseSync(file);
    foreign.exec('PRAGMA application_id = 1');
    foreign.close();
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_DAMAGED',
      message: expect.stringContaining('is a database of another program'),
    });
  });

  it('is no database at all', async () => {
    fixture.store.close();
    await writeFile(file, 'keys: []\n'.repeat(1000));
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_DAMAGED',
      message: expect.stringContaining('is not a database'),
    });
    await writeFile(file, 'x');
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_DAMAGED',
      message: expect.stringContaining('is not a database'),
    });
  });

  it.each(['cut off', 'overwritten'])('is damaged: %s', async (how) => {
    for (let n = 0; n < 200; n += 1) await fixture.store.put('Session', `s${n}`, { uid: 'x'.repeat(200) });
    fixture.store.close();
    const content = await readFile(file);
    if (how === 'cut off') await writeFile(file, content.subarray(0, Math.floor(content.length / 2)));
    else await writeFile(file, content.fill(0x5a, 4096, 4096 * 6));
    expect(await openInVain()).toMatchObject({
      code: 'E_STATE_DAMAGED',
      message: expect.stringContaining('damaged'),
    });
  });

  it('is in a place where nothing can be opened', async () => {
    const stateDir = join(fixture.stateDir, 'odd');
    await mkdir(join(stateDir, 'breakwater.db'), { recursive: true });
    await expect(open(stateDir)).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
  });

  it('control: a file left empty by a crash is a new store', async () => {
    fixture.store.close();
    await writeFile(file, '');
    const store = await open();
    await store.put('Grant', 'a', {});
    expect(await store.list('Grant')).toHaveLength(1);
    store.close();
  });
});

describe('several processes', () => {
  it('see the writes of the others, and are told of them within two seconds', async () => {
    const other = await open();
    let calls = 0;
    fixture.store.watch(['ApiKey'], () => (calls += 1));
    fixture.clock.advance(5000);
    expect(calls).toBe(0);
    await other.put('ApiKey', 'ci', { n: 1 });
    expect(await fixture.store.get('ApiKey', 'ci')).toEqual({ n: 1 });
    fixture.clock.advance(2000);
    expect(calls).toBe(1);
    other.close();
  });

  it('wait for one that writes, without stopping this one', async () => {
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const written = fixture.store.put('Grant', 'a', {});
    expect(await fixture.store.get('Grant', 'a')).toBeUndefined();
    await until(() => turns > 10);
    expect(turns).toBeGreaterThan(10);
    other.exec('COMMIT');
    other.close();
    await written;
    clearInterval(timer);
    expect(await fixture.store.get('Grant', 'a')).toEqual({});
  });

  it('can begin at the same time', async () => {
    const stateDir = join(fixture.stateDir, 'new');
    const stores = await Promise.all(Array.from({ length: 5 }, () => open(stateDir)));
    await Promise.all(stores.map((store, n) => store.put('Grant', `${n}`, {})));
    expect(await stores[0]?.list('Grant')).toHaveLength(5);
    for (const store of stores) store.close();
  });
});

describe('expired records', () => {
  const count = (): unknown => {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database
      .prepare('SELECT (SELECT count(*) FROM records) r, (SELECT count(*) FROM entries) e')
      .get();
    database.close();
    return { ...rows };
  };

  it('are deleted from the file, a few at a time, and nothing else is', async () => {
    const { store, clock } = fixture;
    await store.transaction(
      Array.from({ length: 450 }, (_, n) => ({
        action: 'put' as const,
        kind: 'Session',
        id: `${n}`,
        value: { uid: `${n}` },
        expiresAt: clock.now() + 1000,
      })),
    );
    await store.put('Session', 'stays', { uid: 'u' });
    await store.put('Session', 'later', { uid: 'u' }, { expiresAt: clock.now() + 3_600_000 });
    expect(count()).toEqual({ r: 452, e: 452 });
    clock.advance(60_000);
    expect(count()).toEqual({ r: 252, e: 252 });
    clock.advance(2000);
    expect(count()).toEqual({ r: 2, e: 2 });
    expect(fixture.problems).toEqual([]);
  });
});

it('loads SQLite only when a store is opened, and says nothing on standard error', async () => {
  const module = fileURLToPath(new URL('../../../src/state/store/sqlite-store.ts', import.meta.url));
  const clock = fileURLToPath(new URL('../../../src/lib/clock.ts', import.meta.url));
  const script = `
    const loaded = () => process.moduleLoadList.some((name) => name.includes('sqlite'));
    const { openSqliteStore } = await import(${JSON.stringify(module)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const before = loaded();
    const store = await openSqliteStore({ stateDir: ${JSON.stringify(fixture.stateDir)}, clock: systemClock, onProblem: console.error });
    store.close();
    process.emitWarning('control');
    console.log(before, loaded());`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    script,
  ]);
  expect(stdout).toBe('false true\n');
  expect(stderr).toContain('control');
  expect(stderr).not.toContain('SQLite');
});
