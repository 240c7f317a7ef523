import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { announcePresence, isAnyPresent } from '../../src/state/presence.ts';
import { ManualClock } from '../support/manual-clock.ts';

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-presence-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

it('nobody is present where nobody ever was', async () => {
  expect(await isAnyPresent(stateDir)).toBe(false);
});

it('does not say that nobody is present where the signs cannot be read', async () => {
  await writeFile(join(stateDir, 'processes'), '');
  await expect(isAnyPresent(stateDir)).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
  await expect(announcePresence({ stateDir, clock: new ManualClock() })).rejects.toMatchObject({
    code: 'E_STATE_UNWRITABLE',
  });
});
