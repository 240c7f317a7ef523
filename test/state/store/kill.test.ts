import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';
import { createSqliteFixture, type StoreFixture } from './stores.ts';

const writer = fileURLToPath(new URL('store-writer.ts', import.meta.url));
const kills = process.env['BREAKWATER_FULL'] === '1' ? 200 : 40;

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await createSqliteFixture();
  fixture.store.close();
});
afterEach(() => fixture.clean());

/** Lets a process write from a number on, and kills it some time after its first word. Resolves to the last number it promised. */
async function writeUntilKilled(first: number, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [writer, fixture.stateDir, `${first}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const closed = once(child, 'close');
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  await sleep(milliseconds);
  child.kill('SIGKILL');
  await closed;
  // A number that was cut off at its end was not promised in full.
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
}

/** What is wrong with the store after a kill: nothing, if each promised record is there and every record is whole. */
async function findFaults(promised: number): Promise<readonly string[]> {
  const { clock, stateDir } = fixture;
  const faults: string[] = [];
  const store = await openSqliteStore({ stateDir, clock, onProblem: (error) => faults.push(String(error)) });
  const sessions = await store.list('Session');
  const byId = new Map(sessions.map(({ id, value }) => [id, value]));
  const newest = Math.max(...sessions.map(({ value }) => Number(value['n'])));
  if (newest !== promised && newest !== promised + 1) faults.push(`${promised} promised, ${newest} found`);
  for (let n = Math.max(0, newest - 99); n <= newest; n += 1) {
    const value = byId.get(`${n % 100}`);
    if (value?.['n'] !== n) faults.push(`record ${n} is lost`);
    if (value?.['digest'] !== hash('sha256', `${n} ${String(value?.['text'])}`, 'hex'))
      faults.push(`${n} is torn`);
    if ((await store.find('Session', 'uid', `u${n}`)).length !== 1) faults.push(`${n} is not in the index`);
    const grant = await store.get('Grant', `${n % 100}`);
    const isTaken = n % 10 === 3;
    if (isTaken && n <= promised && grant !== undefined) faults.push(`${n} came back after it was consumed`);
    if (!isTaken && grant?.['n'] !== n) faults.push(`of transaction ${n} half is there`);
  }
  if ((await store.find('Session', 'uid', `u${newest - 100}`)).length > 0)
    faults.push('the index keeps what is gone');
  store.close();
  return faults;
}

describe('kill -9', () => {
  it(
    `at ${kills} random points neither loses nor tears a record that was promised`,
    { timeout: 600_000 },
    async () => {
      let next = 0;
      for (let kill = 0; kill < kills; kill += 1) {
        const milliseconds = Math.random() * 60;
        const promised = await writeUntilKilled(next, milliseconds);
        expect(await findFaults(promised), `kill ${kill}, ${milliseconds} ms after the first word`).toEqual(
          [],
        );
        next = promised + 1;
      }
      expect(next).toBeGreaterThan(kills);
    },
  );

  it('control: a lost write is seen', async () => {
    const promised = await writeUntilKilled(0, 50);
    expect(await findFaults(promised)).toEqual([]);
    expect(await findFaults(promised + 5)).not.toEqual([]);
    const { clock, stateDir } = fixture;
    const store = await openSqliteStore({
      stateDir,
      clock,
      onProblem: (error) => fixture.problems.push(error),
    });
    const [entry] = await store.list('Session');
    await store.put('Session', entry?.id ?? '', { ...entry?.value, text: 'torn' });
    store.close();
    expect(await findFaults(promised)).not.toEqual([]);
  });
});
