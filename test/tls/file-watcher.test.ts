import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFileWatcher, type FileWatcher } from '../../src/tls/files/file-watcher.ts';
import { ManualClock } from '../support/manual-clock.ts';

let directory: string;
let clock: ManualClock;
let watcher: FileWatcher;
let changes: number;
/** Timers of a watcher at rest. */
const atRest = 1;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-watch-'));
  clock = new ManualClock();
  changes = 0;
  watcher = createFileWatcher({
    paths: [join(directory, 'cert.pem')],
    clock,
    onChange: () => void changes++,
  });
  await vi.waitFor(async () => {
    await touch();
    if (clock.pending <= atRest) throw new Error('nothing is watched yet');
  });
  clock.advance(200);
  // What was written last may be told of after the timer.
  await settle();
  changes = 0;
});
afterEach(async () => {
  watcher.close();
  await rm(directory, { recursive: true });
});

let writes = 0;
async function touch(): Promise<void> {
  await writeFile(join(directory, 'cert.pem'), String(writes++));
}

/** Lets events arrive that are on their way. */
async function settle(): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, 30));
  clock.advance(600);
}

it('waits until nothing has happened for a fifth of a second', async () => {
  await touch();
  await vi.waitFor(() => expect(clock.pending).toBeGreaterThan(atRest));
  clock.advance(199);
  expect(changes).toBe(0);
  const start = clock.monotonic();
  await touch();
  // Its timer takes the place of the one that has a millisecond left.
  await new Promise((resolve) => void setTimeout(resolve, 30));
  clock.advance(1);
  expect(changes).toBe(0);
  clock.advance(199);
  expect(changes).toBe(1);
  expect(clock.monotonic() - start).toBe(200);
});

it('looks after 600 ms where something happens all the time', async () => {
  const start = clock.monotonic();
  await vi.waitFor(
    async () => {
      await touch();
      await new Promise((resolve) => void setTimeout(resolve, 10));
      clock.advance(50);
      expect(changes).toBe(1);
    },
    { interval: 1 },
  );
  const waited = clock.monotonic() - start;
  expect(waited).toBeGreaterThanOrEqual(600);
  expect(waited).toBeLessThanOrEqual(700);
});

it('looks every minute where no events come', () => {
  clock.advance(60_000);
  expect(changes).toBe(1);
  clock.advance(60_000);
  expect(changes).toBe(2);
});

it('says nothing any more once it is closed', async () => {
  await touch();
  watcher.close();
  await settle();
  clock.advance(120_000);
  expect(changes).toBe(0);
  expect(clock.pending).toBe(0);
});
