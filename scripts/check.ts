import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `npm run check`: everything that can be said about the code without running it. All steps run; any failure fails. */
const root = fileURLToPath(new URL('..', import.meta.url));

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'oxfmt', '--check'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['build', 'npm', 'run', '--silent', 'build'],
  ['dead code', 'knip'],
  ['package', 'publint', '--strict'],
  ['types of the package', 'attw', '--pack', '--profile', 'esm-only'],
];

let failed = 0;
for (const [name, command, ...args] of steps) {
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (status === 0) continue;
  failed++;
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
