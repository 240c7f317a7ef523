import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { createKeyRing, type KeyRing } from '../../src/state/key-ring.ts';
import { chooseKey, isKeyDue, retainKeys } from '../../src/state/key-schedule.ts';
import { createSecretFiles } from '../../src/state/secret-files.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const schedule = { lifetime: 30 * day, publishedBefore: 10 * minute, keptFor: 20 * day };

let base: string;
let clock: ManualClock;
let warnings: Diagnostic[];
const opened: KeyRing<string>[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'breakwater-ring-'));
  clock = new ManualClock(Date.UTC(2026, 0, 1));
  warnings = [];
});
afterEach(async () => {
  for (const ring of opened.splice(0)) await ring.close();
  await rm(base, { recursive: true });
});

const directory = (): string => join(base, 'secrets');
const file = (): string => join(directory(), 'keys.json');

function create(): KeyRing<string> {
  const ring = createKeyRing<string>({
    storage: createSecretFiles(directory(), clock)('keys.json'),
    schedule,
    clock,
    report: (warning) => warnings.push(warning),
    consequence: 'things are good in this process only',
    make: () => randomBytes(8).toString('hex'),
    toText: (key) => key,
    fromText: (text) => (/^[\da-f]{16}$/.test(text) ? text : undefined),
  });
  opened.push(ring);
  return ring;
}

async function createShared(): Promise<KeyRing<string>> {
  const ring = create();
  await ring.share();
  return ring;
}

async function look(...rings: readonly KeyRing<string>[]): Promise<void> {
  for (const ring of rings) await ring.refresh();
}

async function readTexts(): Promise<readonly string[]> {
  const { keys } = JSON.parse(await readFile(file(), 'utf8')) as {
    readonly keys: readonly { text: string }[];
  };
  return keys.map(({ text }) => text);
}

describe('the schedule', () => {
  const at = (...days: readonly number[]): { readonly createdAt: number }[] =>
    days.map((count) => ({ createdAt: count * day }));

  it('uses a key once it was published long enough, and the first one at once', () => {
    const keys = at(0, 30);
    expect(chooseKey(keys, schedule, 0)).toBe(keys[0]);
    expect(chooseKey(keys, schedule, 30 * day + 10 * minute - 1)).toBe(keys[0]);
    expect(chooseKey(keys, schedule, 30 * day + 10 * minute)).toBe(keys[1]);
    expect(chooseKey([], schedule, 0)).toBeUndefined();
  });

  it('makes the next key when the life of the last is over', () => {
    expect(isKeyDue(at(0), schedule, 30 * day - 1)).toBe(false);
    expect(isKeyDue(at(0), schedule, 30 * day)).toBe(true);
    expect(isKeyDue(at(0, 30), schedule, 30 * day)).toBe(false);
    expect(isKeyDue([], schedule, 0)).toBe(true);
  });

  it('a key from the future neither serves nor keeps another from being made', () => {
    expect(isKeyDue(at(400), schedule, 0)).toBe(true);
    const keys = at(0, 400);
    expect(chooseKey(keys, schedule, day)).toBe(keys[0]);
  });

  it('keeps a key until its successor was used for long enough', () => {
    const keys = at(0, 30);
    const end = 50 * day + 10 * minute;
    expect(retainKeys(keys, schedule, end - 1)).toEqual(keys);
    expect(retainKeys(keys, schedule, end)).toEqual([keys[1]]);
    expect(retainKeys(keys, schedule, 900 * day)).toEqual([keys[1]]);
  });
});

describe('keys of one process', () => {
  it('leave no trace until they are shared, and are replaced all the same', async () => {
    const ring = create();
    const first = ring.current;
    clock.jump(30 * day);
    await look(ring);
    expect(ring.keys).toHaveLength(2);
    expect(ring.current).toBe(first);
    clock.jump(10 * minute);
    await look(ring);
    expect(ring.current).toBe(ring.keys[1]);
    expect(await readdir(base)).toEqual([]);
  });
});

describe('keys of a directory', () => {
  it('are kept for its owner only, with no lock left behind', async () => {
    const ring = await createShared();
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(directory())).mode & 0o777).toBe(0o700);
    expect(await readdir(directory())).toEqual(['keys.json']);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
      version: 1,
      keys: [{ text: ring.current, createdAt: clock.now() }],
    });
  });

  it('are the same in every process, and after a restart', async () => {
    const first = await createShared();
    const second = await createShared();
    expect(second.keys).toEqual(first.keys);
    await first.close();
    await second.close();
    clock.jump(29 * day);
    expect((await createShared()).keys).toEqual(first.keys);
    expect(warnings).toEqual([]);
  });

  it('are the same when processes start at the same moment: one makes them', async () => {
    const rings = Array.from({ length: 5 }, () => create());
    let isDone = false;
    const all = Promise.all(rings.map((ring) => ring.share())).finally(() => {
      isDone = true;
    });
    await until(() => {
      // Who waits for the lock looks again after a second of the clock.
      clock.advance(500);
      return isDone;
    });
    await all;
    expect(new Set(rings.map(({ current }) => current)).size).toBe(1);
    expect(await readTexts()).toEqual([rings[0]?.current]);
  });

  it('change together: the next one is known everywhere before it is used, the last one stays for its time', async () => {
    const rings = [await createShared(), await createShared()] as const;
    const [first, second] = rings;
    const old = first.current;
    clock.jump(30 * day);
    await look(...rings);
    expect(second.keys).toEqual(first.keys);
    expect(first.keys).toHaveLength(2);
    expect([first.current, second.current]).toEqual([old, old]);
    clock.jump(10 * minute);
    await look(first);
    // The one has changed over and the other has not: both have both keys.
    expect(first.current).toBe(second.keys[1]);
    expect(second.current).toBe(old);
    await look(second);
    expect(second.current).toBe(first.current);
    clock.jump(20 * day);
    await look(...rings);
    expect(first.keys).toEqual([first.current]);
    expect(await readTexts()).toEqual([first.current]);
    expect(warnings).toEqual([]);
  });

  it('are looked at every minute', async () => {
    const ring = await createShared();
    const keys = [{ text: 'aaaaaaaaaaaaaaaa', createdAt: clock.now() }];
    await writeFile(file(), JSON.stringify({ version: 1, keys }));
    clock.advance(minute);
    await until(() => ring.current === 'aaaaaaaaaaaaaaaa');
    expect(ring.keys).toEqual(['aaaaaaaaaaaaaaaa']);
  });

  it('outlive a clock that was wrong for a while', async () => {
    const ring = await createShared();
    const { current } = ring;
    clock.jump(day);
    clock.jump(-10_000 * day);
    await look(ring);
    expect(ring.keys).toContain(current);
    clock.jump(10_000 * day);
    await look(ring);
    expect(ring.current).toBe(current);
  });

  it.each([
    ['damaged', '{"version":1,"keys":[{'],
    ['empty', ''],
    ['no object', 'null'],
    ['without keys', '{"version":1,"keys":[]}'],
    ['of another form', '{"version":1,"keys":[{"text":5,"createdAt":0}]}'],
    ['no key of this kind', '{"version":1,"keys":[{"text":"short","createdAt":0}]}'],
    ['too large', ' '.repeat(300_000)],
  ])('in a file that is %s are replaced', async (_what, text) => {
    await createShared();
    await writeFile(file(), text);
    const ring = await createShared();
    expect(await readTexts()).toEqual([ring.current]);
    expect(warnings).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('planted-keys: that others can write are not used', async () => {
    const ring = await createShared();
    const planted = JSON.stringify({
      version: 1,
      keys: [{ text: 'badbadbadbadbadb', createdAt: clock.now() }],
    });
    await writeFile(file(), planted);
    await chmod(file(), 0o620);
    await look(ring);
    expect(ring.keys).not.toContain('badbadbadbadbadb');
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    // The control: private to the owner they are taken.
    await writeFile(file(), planted);
    await look(ring);
    expect(ring.keys).toEqual(['badbadbadbadbadb']);
  });

  it('of a newer version are left as they are, with a warning', async () => {
    await createShared();
    const text = '{"version":2,"keys":"who knows"}';
    await writeFile(file(), text);
    const ring = await createShared();
    await look(ring);
    expect(await readFile(file(), 'utf8')).toBe(text);
    expect(warnings).toMatchObject([{ severity: 'warning', code: 'E_STATE_UNWRITABLE' }]);
    expect(warnings[0]?.message).toMatch(/newer version .*; things are good in this process only$/);
  });

  it('stay in memory where they cannot be written, with one warning, and are kept as soon as they can', async () => {
    await writeFile(directory(), 'in the way');
    const ring = await createShared();
    const first = ring.current;
    clock.jump(30 * day);
    await look(ring);
    clock.jump(10 * minute);
    await look(ring);
    expect(ring.keys).toEqual([first, ring.current]);
    expect(warnings).toMatchObject([{ severity: 'warning', code: 'E_STATE_UNWRITABLE' }]);
    await rm(directory());
    await look(ring);
    expect(await readTexts()).toEqual([first, ring.current]);
  });

  it('are let go of while another process holds the lock', async () => {
    const holder = await createShared();
    await writeFile(`${file()}.lock`, '{"pid":1,"host":"elsewhere.example.com","token":"t","beat":"1"}\n');
    await rm(file());
    const looking = holder.refresh();
    await until(() => clock.pending > 1);
    await holder.close();
    await looking;
    expect(warnings).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
