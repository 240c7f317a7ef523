import { spawnSync } from 'node:child_process';

/** `npm run test:certificates`: with `--full` also what takes too long for continuous integration; all else goes to vitest. */
const args = process.argv.slice(2);
const isFull = args.includes('--full');
const { status } = spawnSync(
  'vitest',
  ['run', '--project', 'certificates', ...args.filter((arg) => arg !== '--full')],
  { stdio: 'inherit', env: { ...process.env, ...(isFull ? { BREAKWATER_FULL: '1' } : {}) } },
);
process.exitCode = status ?? 1;
