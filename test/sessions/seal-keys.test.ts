import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { createSessionSeal, type SessionSeal } from '../../src/sessions/seal.ts';
import { createSealKeys, type SealKeys } from '../../src/sessions/seal-keys.ts';
import { createSecretFiles } from '../../src/state/secret-files.ts';
import { ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const holder = { route: '/mcp', principalId: 'key:ci' };
const session = { ...holder, upstream: 'a', sessionId: 's1' };

let stateDir: string;
let clock: ManualClock;
let warnings: Diagnostic[];
const opened: SealKeys[] = [];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-seal-'));
  clock = new ManualClock();
  warnings = [];
});
afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close();
  await rm(stateDir, { recursive: true });
});

interface Replica {
  readonly keys: SealKeys;
  readonly seal: SessionSeal;
}

async function start(): Promise<Replica> {
  const keys = createSealKeys({
    texts: createSecretFiles(stateDir, clock),
    clock,
    report: (warning) => warnings.push(warning),
  });
  opened.push(keys);
  await keys.share();
  return { keys, seal: createSessionSeal({ keys }) };
}

it('a session of one process opens in another, and after a restart', async () => {
  const [first, second] = [await start(), await start()];
  const id = first.seal.seal(session) ?? '';
  expect(second.seal.open(id, holder)).toEqual({ kind: 'ok', sessionId: 's1', upstream: 'a' });
  await first.keys.close();
  await second.keys.close();
  expect((await start()).seal.open(id, holder)).toMatchObject({ kind: 'ok' });
  expect((await stat(join(stateDir, 'sessions', 'seal-keys.json'))).mode & 0o777).toBe(0o600);
  expect(warnings).toEqual([]);
});

it('a session lives through a change of keys for 30 days, and no session is unknown to a process that lags behind', async () => {
  const [first, second] = [await start(), await start()];
  const replicas = [first, second];
  const refresh = async (): Promise<void> => {
    for (const { keys } of replicas) await keys.refresh();
  };
  clock.jump(30 * day - 1);
  const old = first.seal.seal(session) ?? '';
  clock.jump(1);
  await refresh();
  clock.jump(5 * minute);
  await first.keys.refresh();
  const fresh = first.seal.seal(session) ?? '';
  expect(Buffer.from(fresh, 'base64url')[1]).toBe(first.keys.current.id);
  for (const { seal } of replicas) {
    for (const id of [old, fresh]) expect(seal.open(id, holder)).toMatchObject({ kind: 'ok' });
  }
  clock.jump(30 * day - 1);
  await refresh();
  for (const { seal } of replicas) expect(seal.open(old, holder)).toMatchObject({ kind: 'ok' });
  clock.jump(1);
  await refresh();
  for (const { seal } of replicas) {
    expect(seal.open(old, holder)).toEqual({ kind: 'unknown' });
    expect(seal.open(fresh, holder)).toMatchObject({ kind: 'ok' });
  }
});

it('a new key never has the id of one whose sessions still live', async () => {
  const keys = createSealKeys({
    texts: createSecretFiles(stateDir, clock),
    clock,
    report: (warning) => warnings.push(warning),
  });
  opened.push(keys);
  const seal = createSessionSeal({ keys });
  // By chance alone one in 256 would.
  for (let change = 0; change < 2000; change++) {
    const id = seal.seal(session) ?? '';
    clock.jump(30 * day - 1);
    await keys.refresh();
    expect(seal.open(id, holder), String(change)).toMatchObject({ kind: 'ok' });
  }
});

it('where the state cannot be written, sessions work in the process that made them, with a warning', async () => {
  await writeFile(join(stateDir, 'sessions'), 'in the way');
  const [first, second] = [await start(), await start()];
  const id = first.seal.seal(session) ?? '';
  expect(first.seal.open(id, holder)).toMatchObject({ kind: 'ok' });
  expect(second.seal.open(id, holder)).toEqual({ kind: 'unknown' });
  expect(warnings).toMatchObject([
    { severity: 'warning', code: 'E_STATE_UNWRITABLE' },
    { severity: 'warning', code: 'E_STATE_UNWRITABLE' },
  ]);
  expect(warnings[0]?.message).toMatch(/; sessions are good in this process only$/);
});

it('a key of another length is none', async () => {
  const { keys } = await start();
  const path = join(stateDir, 'sessions', 'seal-keys.json');
  const before = await readFile(path, 'utf8');
  const text = Buffer.alloc(32).toString('base64');
  await writeFile(path, JSON.stringify({ version: 1, keys: [{ text, createdAt: clock.now() }] }));
  await keys.refresh();
  expect(await readFile(path, 'utf8')).toBe(before);
});
