import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runCli } from './capture-io.ts';

async function complete(...words: string[]): Promise<string[]> {
  const { stdout } = await runCli(['__complete', '--', ...words]);
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

describe('completion', () => {
  it.each([
    [[''], ['up', 'check', 'schema', 'explain', 'completion', 'version']],
    [['c'], ['check', 'completion']],
    [['--j'], ['--json']],
    [['up', '--au'], ['--auth']],
    [
      ['up', '--auth', ''],
      ['key', 'none'],
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
    [[], ['up', 'check', 'schema', 'explain', 'completion', 'version']],
  ])('of %j is %j', async (words, values) => {
    expect(await complete(...words)).toEqual(values);
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
