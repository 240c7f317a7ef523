import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, type Lock } from '../../src/state/lock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

let directory: string;
let path: string;
let clock: ManualClock;
const { signal } = new AbortController();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-lock-'));
  path = join(directory, 'lock');
  clock = new ManualClock();
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Waits for the lock; `state.lock` is there once it is held. */
function wait(options: { readonly signal?: AbortSignal } = {}): {
  readonly state: { lock?: Lock };
  readonly done: Promise<Lock>;
} {
  const state: { lock?: Lock } = {};
  const done = acquireLock({ path, clock, signal, random: () => 0, ...options }).then((lock) => {
    state.lock = lock;
    return lock;
  });
  return { state, done };
}

/** Lets virtual time pass, with real time for the files after each second. */
async function pass(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 1000) {
    clock.advance(Math.min(1000, left));
    const before = performance.now();
    while (performance.now() - before < 8) await nextTurn();
  }
}

it('is taken at once when it is free, and leaves nothing behind', async () => {
  const lock = await wait().done;
  expect(await readdir(directory)).toEqual(['lock']);
  await lock.release();
  await lock.release();
  expect(await readdir(directory)).toEqual([]);
  expect(clock.pending).toBe(0);
});

it('is held by one at a time, for as long as it beats', async () => {
  const first = await wait().done;
  const second = wait();
  await pass(60_000);
  expect(second.state.lock).toBeUndefined();
  expect(first.lost.aborted).toBe(false);
  await first.release();
  await pass(2000);
  await (await second.done).release();
});

it('never belongs to two of many', async () => {
  let holders = 0;
  let most = 0;
  let turns = 0;
  const compete = async (): Promise<void> => {
    const lock = await wait().done;
    holders++;
    most = Math.max(most, holders);
    await nextTurn();
    holders--;
    turns++;
    await lock.release();
  };
  const all = Promise.all(Array.from({ length: 12 }, compete));
  await until(async () => {
    await pass(1000);
    return turns === 12;
  });
  await all;
  expect(most).toBe(1);
});

it('gives up waiting when it is told to', async () => {
  const lock = await wait().done;
  const abort = new AbortController();
  const second = wait({ signal: abort.signal });
  await pass(3000);
  abort.abort(new Error('enough'));
  await expect(second.done).rejects.toThrow('enough');
  await lock.release();
});

describe('a stale lock', () => {
  const foreign = (beat: number): string =>
    `${JSON.stringify({ pid: 1, host: 'elsewhere', token: 'a', beat: String(beat) })}\n`;

  it.each([
    ['of another host', foreign(1)],
    ['that is empty', ''],
    ['that is damaged', '{"pid":'],
  ])('%s is broken after 15 seconds without a change', async (_what, content) => {
    await writeFile(path, content);
    const waiting = wait();
    await pass(14_000);
    expect(waiting.state.lock).toBeUndefined();
    await pass(3000);
    await (await waiting.done).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is none while another host beats, whatever the clocks say', async () => {
    await writeFile(path, foreign(0));
    const waiting = wait();
    for (let beat = 1; beat <= 12; beat++) {
      clock.jump(beat % 2 === 0 ? 3_600_000 : -7_200_000);
      await pass(5000);
      await writeFile(path, foreign(beat));
    }
    expect(waiting.state.lock).toBeUndefined();
    await pass(17_000);
    await (await waiting.done).release();
  });

  it('of a process that was killed is broken at once', async () => {
    const script = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(directory)).toEqual(['lock']);
    // No virtual time passes.
    await (await wait().done).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('that was broken by two at a time belongs to one of them', async () => {
    for (let round = 0; round < 6; round++) {
      await writeFile(path, foreign(round));
      const waiting = [wait(), wait(), wait()];
      const listHeld = (): unknown[] =>
        waiting.filter(({ state }) => state.lock !== undefined && !state.lock.lost.aborted);
      // A busy disk takes its time for the new file.
      await until(async () => {
        await pass(1000);
        return listHeld().length > 0;
      });
      await pass(3000);
      expect(listHeld()).toHaveLength(1);
      let released = 0;
      for (const { done } of waiting) void done.then((lock) => lock.release()).then(() => released++);
      await until(async () => {
        await pass(1000);
        return released === 3;
      });
    }
  });
});

describe('a holder', () => {
  it('that was robbed stops at its next beat, and does not touch the new lock', async () => {
    const robbed = await wait().done;
    await rename(path, join(directory, 'gone'));
    await writeFile(path, 'of somebody else');
    await pass(5000);
    await until(() => robbed.lost.aborted);
    expect(robbed.lost.reason).toMatchObject({ code: 'E_STATE_UNWRITABLE' });
    await robbed.release();
    expect(await readFile(path, 'utf8')).toBe('of somebody else');
  });

  it('control: that was not robbed goes on', async () => {
    const lock = await wait().done;
    await pass(60_000);
    expect(lock.lost.aborted).toBe(false);
    await lock.release();
  });
});

it('says why it cannot be taken', async () => {
  await writeFile(join(directory, 'file'), '');
  await expect(acquireLock({ path: join(directory, 'file', 'lock'), clock, signal })).rejects.toMatchObject({
    code: 'E_STATE_UNWRITABLE',
    message: expect.stringContaining('a part of the path is not a directory'),
  });
});
