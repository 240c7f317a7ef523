import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { ChallengeSolver, PresentedChallenge } from '../../../src/tls/acme/challenge.ts';
import { createDnsSolver, type DnsSolverOptions } from '../../../src/tls/acme/dns-solver.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

let folder: string;
let cleanupErrors: Error[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breakwater-dns-'));
  cleanupErrors = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const challenge: PresentedChallenge = {
  type: 'dns-01',
  name: 'mcp.example.com',
  token: 'token',
  keyAuthorization: 'token.thumbprint',
};
const value = createHash('sha256').update('token.thumbprint').digest('base64url');
const never = new AbortController().signal;

class RecordingClock extends ManualClock {
  readonly waits: number[] = [];

  override setTimeout(callback: () => void, milliseconds: number): { cancel(): void } {
    this.waits.push(milliseconds);
    return super.setTimeout(callback, milliseconds);
  }
}

/** A solver whose command is a program in JavaScript; `log` is a file it can write to. */
async function createSolver(
  program: string,
  options: Partial<DnsSolverOptions> = {},
): Promise<{ readonly solver: ChallengeSolver; readonly log: string }> {
  const log = join(folder, 'log');
  const script = join(folder, 'hook.mjs');
  await writeFile(
    script,
    `import { appendFileSync, existsSync } from 'node:fs';\nconst log = ${JSON.stringify(log)};\n${program}`,
  );
  const solver = createDnsSolver({
    command: [process.execPath, script, 'first argument'],
    propagation: 0,
    timeout: 20_000,
    clock: systemClock,
    onCleanupError: (error) => void cleanupErrors.push(error),
    ...options,
  });
  return { solver, log };
}

it('calls the command with action, record and value, as arguments and in the environment', async () => {
  const { solver, log } = await createSolver(`
    const { BREAKWATER_DNS_ACTION: action, BREAKWATER_DNS_RECORD: record, BREAKWATER_DNS_VALUE: value } = process.env;
    appendFileSync(log, JSON.stringify([process.argv.slice(2), [action, record, value]]) + '\\n');`);
  await solver.present(challenge, never);
  await solver.remove(challenge);
  const record = '_acme-challenge.mcp.example.com';
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    [
      ['first argument', 'present', record, value],
      ['present', record, value],
    ],
    [
      ['first argument', 'cleanup', record, value],
      ['cleanup', record, value],
    ],
  ]);
  expect(cleanupErrors).toEqual([]);
});

it('involves no shell, whatever a name looks like (command injection)', async () => {
  const { solver, log } = await createSolver(`appendFileSync(log, process.argv[4]);`);
  const marker = join(folder, 'injected');
  const name = `a;touch ${marker}|$(touch ${marker})\`touch ${marker}\` && touch ${marker}`;
  await solver.present({ ...challenge, name }, never);
  expect(await readFile(log, 'utf8')).toBe(`_acme-challenge.${name}`);
  await expect(readFile(marker)).rejects.toThrow('ENOENT');
});

it('tells what the command said when it fails, without what steers a terminal (escape sequences)', async () => {
  const { solver } = await createSolver(
    `process.stderr.write('zone \\u001b[2Jnot found\\r\\nask the admin'); process.exitCode = 3;`,
  );
  await expect(solver.present(challenge, never)).rejects.toMatchObject({
    code: 'E_ACME_HOOK',
    message: expect.stringMatching(/` ended with status 3: zone \[2Jnot found ask the admin$/) as string,
  });
});

it('says that the command does not exist', async () => {
  const { solver } = await createSolver('', { command: [join(folder, 'nothing')] });
  await expect(solver.present(challenge, never)).rejects.toThrow('cannot be run (ENOENT)');
});

it('ends a command that takes too long', async () => {
  const clock = new ManualClock();
  const { solver, log } = await createSolver(
    `appendFileSync(log, 'begun'); setInterval(() => undefined, 1000);`,
    { clock, timeout: 60_000 },
  );
  const outcome = solver.present(challenge, never).catch(String);
  await until(() =>
    readFile(log).then(
      () => true,
      () => false,
    ),
  );
  clock.advance(60_000);
  expect(await outcome).toContain('took longer than 60 s');
});

it('ends the command when nobody wants the certificate any more', async () => {
  const controller = new AbortController();
  const { solver, log } = await createSolver(
    `appendFileSync(log, 'begun'); setInterval(() => undefined, 1000);`,
  );
  const outcome = solver.present(challenge, controller.signal).catch(String);
  await until(() =>
    readFile(log).then(
      () => true,
      () => false,
    ),
  );
  controller.abort(new Error('not any more'));
  expect(await outcome).toContain('not any more');
});

it('waits until the record is visible everywhere', async () => {
  const clock = new RecordingClock();
  const { solver } = await createSolver('', { clock, propagation: 120_000, timeout: 500_000 });
  let visible = false;
  const present = solver.present(challenge, never).finally(() => {
    visible = true;
  });
  await until(() => clock.waits.includes(120_000));
  clock.advance(119_999);
  await new Promise((resolve) => setImmediate(resolve));
  expect(visible).toBe(false);
  clock.advance(1);
  await present;
});

it('never runs two commands at once', async () => {
  const { solver, log } = await createSolver(`
    const lock = log + '.lock';
    if (existsSync(lock)) process.exit(9);
    appendFileSync(lock, '');
    await new Promise((resolve) => setTimeout(resolve, 50));
    (await import('node:fs')).rmSync(lock);
    appendFileSync(log, '.');`);
  const names = ['a.example.com', 'b.example.com', 'c.example.com'];
  await Promise.all(names.map((name) => solver.present({ ...challenge, name }, never)));
  expect(await readFile(log, 'utf8')).toBe('...');
});

it('reports a record that could not be removed, and carries on', async () => {
  const { solver } = await createSolver(`if (process.argv[3] === 'cleanup') process.exit(1);`);
  await solver.present(challenge, never);
  await solver.remove(challenge);
  expect(cleanupErrors).toMatchObject([{ code: 'E_ACME_HOOK' }]);
});
