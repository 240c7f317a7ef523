import { describe, expect, it } from 'vitest';
import { cwd, runCli } from './capture-io.ts';

const good = { [`${cwd}/breakwater.yaml`]: 'routes: [{ upstream: 8000 }]\n' };
const bad = { [`${cwd}/breakwater.yaml`]: 'lisen: 443\nroutes: [{ upstream: 8000 }]\n' };

interface Case {
  readonly argv: readonly string[];
  readonly files?: { readonly [path: string]: string };
  readonly exit: number;
  /** Code of the error, where there is one. */
  readonly code?: string;
}

const table: readonly Case[] = [
  { argv: ['--help'], exit: 0 },
  { argv: ['--version'], exit: 0 },
  { argv: ['up', '--help'], exit: 0 },
  { argv: ['version'], exit: 0 },
  { argv: ['schema'], exit: 0 },
  { argv: ['explain'], exit: 0 },
  { argv: ['explain', 'E_INTERNAL'], exit: 0 },
  { argv: ['completion', 'bash'], exit: 0 },
  { argv: ['check'], files: good, exit: 0 },
  { argv: ['check', '--print'], files: good, exit: 0 },
  { argv: ['check', '-'], files: { '-': 'routes: [{ upstream: 8000 }]' }, exit: 0 },
  { argv: ['check'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['check', '--print'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['check'], exit: 2, code: 'E_CONFIG_NO_ROUTE' },
  { argv: ['check', 'absent.yaml'], exit: 2, code: 'E_CONFIG_FILE' },
  { argv: ['check', 'a.yaml', 'b.yaml'], exit: 2, code: 'E_USAGE' },
  { argv: ['up', 'localhost'], exit: 2, code: 'E_CONFIG_UPSTREAM' },
  { argv: ['up', '8000', '--cert', 'c.pem'], exit: 2, code: 'E_CONFIG_CONFLICT' },
  { argv: ['up', '8000', '--listen', '99999'], exit: 2, code: 'E_CONFIG_VALUE' },
  { argv: ['up', '8000', '--domain', '*.a.example'], exit: 2, code: 'E_CONFIG_DOMAIN' },
  { argv: ['up', '8000', '--config', 'absent.yaml'], exit: 2, code: 'E_CONFIG_FILE' },
  { argv: ['up', '8000', '--auth', 'password'], exit: 2, code: 'E_USAGE' },
  { argv: ['up', '8000', '--domain'], exit: 2, code: 'E_USAGE' },
  { argv: ['up'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['explain', 'E_NOTHING_LIKE_IT'], exit: 2, code: 'E_USAGE' },
  { argv: ['completion', 'tcsh'], exit: 2, code: 'E_USAGE' },
  { argv: ['completion'], exit: 2, code: 'E_USAGE' },
  { argv: ['chekc'], exit: 2, code: 'E_USAGE' },
  { argv: ['--colour'], exit: 2, code: 'E_USAGE' },
  { argv: ['--color', 'sometimes', 'version'], exit: 2, code: 'E_USAGE' },
];

describe.each(table)('breakwater $argv', ({ argv, files = {}, exit, code }) => {
  it(`ends with ${exit} and tells a person why`, async () => {
    const outcome = await runCli(argv, { files });
    expect(outcome.exit).toBe(exit);
    if (code !== undefined) {
      expect(outcome.stderr).toContain(`error[${code}]: `);
      expect(outcome.stderr).toContain('= fix: ');
      expect(outcome.stdout).toBe('');
    }
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });

  it('and a program, with --json', async () => {
    if (argv.includes('--help') || argv.includes('--version')) return;
    const outcome = await runCli([...argv, '--json'], { files });
    expect(outcome.exit).toBe(exit);
    const [command = ''] = argv;
    if (outcome.stdout !== '') {
      expect(outcome.stdout).toMatch(/^\{.*\}\n$/);
      expect(JSON.parse(outcome.stdout)).toMatchObject({ schema: `breakwater.${command}/1` });
    }
    if (code === undefined) {
      expect(outcome.stdout).not.toBe('');
      expect(outcome.stderr).toBe('');
    } else {
      expect(outcome.stderr).toMatch(/^\{.*\}\n$/);
      expect(JSON.parse(outcome.stderr)).toEqual({
        error: {
          code,
          message: expect.any(String),
          exit,
          hint: expect.any(String),
          docs: `breakwater explain ${code}`,
        },
      });
    }
  });
});

describe('no command', () => {
  it('shows the help on standard error and ends with 2', async () => {
    const outcome = await runCli([]);
    expect(outcome).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: breakwater'),
    });
  });

  it('is one line of JSON with --json', async () => {
    const { exit, stderr } = await runCli(['--json']);
    expect([exit, JSON.parse(stderr)]).toMatchObject([2, { error: { message: 'no command is given' } }]);
  });
});
