import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

export interface StoreFixture {
  readonly store: Store;
  readonly clock: ManualClock;
  /** Empty for the one in memory. */
  readonly stateDir: string;
  /** What the store could not do by itself. */
  readonly problems: unknown[];
  clean(): Promise<void>;
}

export async function createSqliteFixture(): Promise<StoreFixture> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-store-'));
  const clock = new ManualClock(1_700_000_000_000);
  const problems: unknown[] = [];
  const store = await openSqliteStore({ stateDir, clock, onProblem: (error) => problems.push(error) });
  const clean = async (): Promise<void> => {
    store.close();
    await rm(stateDir, { recursive: true });
  };
  return { store, clock, stateDir, problems, clean };
}

export async function createMemoryFixture(): Promise<StoreFixture> {
  const clock = new ManualClock(1_700_000_000_000);
  const store = createMemoryStore({ clock });
  return { store, clock, stateDir: '', problems: [], clean: async () => store.close() };
}
