import { hash } from 'node:crypto';
import { systemClock } from '../../../src/lib/clock.ts';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';

// Writes numbered pairs of records to the store in the directory named on the command line, says each number once both are
// promised to be safe, and goes on until it is killed.
const [, , stateDir = '', first = '0'] = process.argv;
const store = await openSqliteStore({
  stateDir,
  clock: systemClock,
  onProblem: (error) => {
    throw error;
  },
});
for (let n = Number(first); ; n += 1) {
  // Of very different sizes, so that some fill several pages.
  const text = 'x'.repeat((n * 7919) % 9000);
  const value = { n, text, uid: `u${n}`, digest: hash('sha256', `${n} ${text}`, 'hex') };
  const id = `${n % 100}`;
  await store.transaction([
    { action: 'put', kind: 'Session', id, value },
    { action: 'put', kind: 'Grant', id, value: { n } },
  ]);
  if (n % 10 === 3) await store.consume('Grant', id);
  process.stdout.write(`${n}\n`);
}
