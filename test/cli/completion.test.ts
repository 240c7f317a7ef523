import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openSqliteStore } from '../../src/state/store/sqlite-store.ts';
import { runCli } from './capture-io.ts';
import { createTestState } from './certs/state.ts';

async function complete(...words: string[]): Promise<string[]> {
  return completeIn({}, words);
}

async function completeIn(
  env: { readonly [name: string]: string },
  words: readonly string[],
): Promise<string[]> {
  const { stdout } = await runCli(['__complete', '--', ...words], { env });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

const commands = [
  'up',
  'status',
  'reload',
  'upgrade',
  'stop',
  'check',
  'certs',
  'keys',
  'users',
  'client',
  'render',
  'lint',
  'doctor',
  'schema',
  'explain',
  'completion',
  'version',
];

describe('completion', () => {
  it.each([
    [[''], commands],
    [['c'], ['check', 'certs', 'client', 'completion']],
    [
      ['certs', ''],
      ['list', 'show', 'renew', 'export', 'trust', 'untrust'],
    ],
    [
      ['keys', ''],
      ['create', 'list', 'revoke', 'jwks'],
    ],
    [
      ['users', ''],
      ['add', 'list', 'remove', 'passwd'],
    ],
    [['users', 'add', 'alice', '--pass'], ['--password-stdin']],
    [['keys', 'revoke', ''], []],
    [['certs', 'trust', '--y'], ['--yes']],
    [['certs', 'export', '--out', ''], [':files']],
    [['certs', 'show', ''], []],
    [['--j'], ['--json']],
    [
      ['client', '--for', 'c'],
      ['claude-code', 'claude-desktop', 'chatgpt', 'cursor'],
    ],
    [['client', '-c', ''], [':files']],
    [['up', '--au'], ['--auth']],
    [
      ['up', '--auth', ''],
      ['key', 'oauth', 'none'],
    ],
    [['up', '--domain', ''], []],
    [['up', '--config', ''], [':files']],
    [['up', '-c', 'x'], [':files']],
    [['up', '--state-dir', ''], [':files']],
    [['check', ''], [':files']],
    [['check', 'a.yaml', ''], []],
    [['check', '--print', '--j'], ['--json']],
    [['completion', 'b'], ['bash']],
    [
      ['explain', 'E_CONFIG_UP'],
      ['E_CONFIG_UPSTREAM', 'E_CONFIG_UPSTREAM_LOOP'],
    ],
    [['--color', 'n'], ['never']],
    [['unknown', ''], []],
    [[], commands],
  ])('of %j is %j', async (words, values) => {
    expect(await complete(...words)).toEqual(values);
  });

  it('knows the names of stored certificates', async () => {
    const state = await createTestState();
    await state.storeRecord('mcp.example.com', {});
    await state.storeRecord('*.example.org', {});
    const env = { BREAKWATER_STATE_DIR: state.stateDir };
    for (const command of ['show', 'renew', 'export']) {
      expect((await completeIn(env, ['certs', command, ''])).toSorted()).toEqual([
        '*.example.org',
        'mcp.example.com',
      ]);
    }
    expect(await completeIn(env, ['certs', 'show', 'mcp.example.com', ''])).toEqual([]);
    await state.clean();
  });

  it('knows the names of API keys and accounts, and of a store that cannot be read none', async () => {
    const state = await createTestState();
    const { stateDir } = state;
    const store = await openSqliteStore({ stateDir, clock: systemClock, onProblem: () => undefined });
    await store.put('ApiKey', 'ci', {});
    await store.put('Account', 'alice', {});
    const env = { BREAKWATER_STATE_DIR: stateDir };
    expect(await completeIn(env, ['keys', 'revoke', ''])).toEqual(['ci']);
    for (const command of ['remove', 'passwd']) {
      expect(await completeIn(env, ['users', command, 'a'])).toEqual(['alice']);
    }
    expect(await completeIn(env, ['users', 'add', ''])).toEqual([]);
    store.close();
    await writeFile(join(stateDir, 'breakwater.db'), 'x'.repeat(1000));
    expect(await completeIn(env, ['keys', 'revoke', ''])).toEqual([]);
    await state.clean();
  });

  it.each(['bash', 'zsh', 'fish'])('has a script for %s that asks for it', async (shell) => {
    const { stdout } = await runCli(['completion', shell]);
    expect(stdout).toContain('breakwater __complete -- ');
    expect(JSON.parse((await runCli(['completion', shell, '--json'])).stdout)).toEqual({
      schema: 'breakwater.completion/1',
      shell,
      script: stdout,
    });
  });

  it('works in bash', async () => {
    const { stdout: script } = await runCli(['completion', 'bash']);
    // The command itself is replaced by one that shows what it was asked.
    const session = `${script}
breakwater() { printf 'asked %s\\tmeaning\\n' "\${*@Q}"; printf ':files\\n'; }
COMP_WORDS=(breakwater explain 'E_ X' rest); COMP_CWORD=2
_breakwater 2>/dev/null
printf '%s|' "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', session]);
    expect(stdout).toBe("asked '__complete' '--' 'explain' 'E_ X'|");
  });
});
