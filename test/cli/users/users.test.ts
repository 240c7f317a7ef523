import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccounts } from '../../../src/auth/accounts/accounts.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';
import { runCli, type Outcome } from '../capture-io.ts';

const password = 'correct horse battery';

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-cli-users-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

/** Runs a command with a person at the terminal, a text on standard input, or neither. */
function run(
  argv: readonly string[],
  given: { answers?: readonly string[]; stdin?: string } = {},
): Promise<Outcome> {
  const { answers, stdin } = given;
  return runCli(['users', ...argv, '--state-dir', stateDir], {
    ...(answers === undefined ? {} : { answers }),
    ...(stdin === undefined ? {} : { files: { '-': stdin } }),
  });
}

async function logIn(name: string, text: string): Promise<string> {
  const store = await openSqliteStore({ stateDir, clock: systemClock, onProblem: () => undefined });
  const accounts = createAccounts(store, { clock: systemClock });
  const { kind } = await accounts.verify({ name, password: text, address: '192.0.2.1' });
  store.close();
  return kind;
}

describe('users add', () => {
  it('asks twice, unseen, and adds the account', async () => {
    const { exit, stdout, stderr } = await run(['add', 'Alice', '--email', 'a@example.com'], {
      answers: [password, password],
    });
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toBe('Password (12 characters or more): \nAgain: \nadded the account alice\n');
    expect(await logIn('alice', password)).toBe('ok');
    expect(await readFile(join(stateDir, 'breakwater.db'), 'latin1')).not.toContain(password);
  });

  it.each([`${password}\n`, `${password}\r\n`, password])(
    'reads the password from standard input: %j',
    async (stdin) => {
      const { exit, stdout } = await run(['add', 'alice', '--password-stdin', '--json'], { stdin });
      expect(exit).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ schema: 'breakwater.users-add/1', name: 'alice', email: null });
      expect(await logIn('alice', password)).toBe('ok');
    },
  );

  it('refuses passwords that are short or typed differently, and names that are taken', async () => {
    const short = await run(['add', 'alice'], { answers: ['eleven char', 'eleven char'] });
    expect([short.exit, short.stderr]).toEqual([2, expect.stringContaining('11 characters, of 12 at least')]);
    const other = await run(['add', 'alice'], { answers: [password, `${password}!`] });
    expect([other.exit, other.stderr]).toEqual([2, expect.stringContaining('the two passwords differ')]);
    expect(await readdir(stateDir)).toEqual([]);
    await run(['add', 'alice'], { answers: [password, password] });
    const again = await run(['add', 'ALICE'], { answers: ['another password', 'another password'] });
    expect([again.exit, again.stderr]).toEqual([2, expect.stringContaining('error[E_NAME_TAKEN]')]);
    expect(await logIn('alice', password)).toBe('ok');
  });

  it('does without a person only when it is told to', async () => {
    const { exit, stderr } = await run(['add', 'alice'], { stdin: password });
    expect([exit, stderr]).toEqual([2, expect.stringContaining('use `--password-stdin`')]);
    const json = await run(['add', 'alice', '--json'], { answers: [password, password] });
    expect(json.exit).toBe(2);
  });
});

describe('users list, passwd and remove', () => {
  it('list what there is', async () => {
    expect(await run(['list'])).toEqual({ exit: 0, stdout: '', stderr: `no accounts in ${stateDir}\n` });
    expect(await readdir(stateDir)).toEqual([]);
    await run(['add', 'bob'], { answers: [password, password] });
    await run(['add', 'alice', '--email', 'a@example.com'], { answers: [password, password] });
    const today = new Date().toISOString().slice(0, 10);
    const { stdout } = await run(['list']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['NAME', 'EMAIL', 'CREATED', 'PASSWORD OF'],
      ['alice', 'a@example.com', today, today],
      ['bob', '-', today, today],
    ]);
    const json = (await run(['list', '--json'])).stdout;
    expect(JSON.parse(json)).toMatchObject({ users: [{ name: 'alice' }, { name: 'bob', email: null }] });
    expect(json).not.toContain('scrypt');
  });

  it('change a password', async () => {
    await run(['add', 'alice'], { answers: [password, password] });
    const { exit, stderr } = await run(['passwd', 'alice'], {
      answers: ['a new one, as long', 'a new one, as long'],
    });
    expect([exit, stderr]).toEqual([0, expect.stringContaining('the account alice has a new password\n')]);
    expect(await logIn('alice', password)).toBe('wrong');
    expect(await logIn('alice', 'a new one, as long')).toBe('ok');
    const unknown = await run(['passwd', 'alcie'], { answers: [] });
    expect([unknown.exit, unknown.stderr]).toEqual([2, expect.stringContaining('did you mean `alice`?')]);
    expect(unknown.stderr).not.toContain('Password');
  });

  it('remove an account', async () => {
    await run(['add', 'alice'], { answers: [password, password] });
    expect(await run(['remove', 'Alice'])).toEqual({
      exit: 0,
      stdout: '',
      stderr: 'removed the account alice\n',
    });
    expect(await logIn('alice', password)).toBe('wrong');
    expect((await run(['remove', 'alice'])).exit).toBe(2);
  });
});
