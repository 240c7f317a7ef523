import { describe, expect, it } from 'vitest';
import { cwd, runCli } from './capture-io.ts';

const good = { [`${cwd}/breakwater.yaml`]: 'routes: [{ upstream: 8000 }]\n' };
const bad = { [`${cwd}/breakwater.yaml`]: 'lisen: 443\nroutes: [{ upstream: 8000 }]\n' };

interface Case {
  readonly argv: readonly string[];
  readonly files?: { readonly [path: string]: string };
  readonly exit: number;
  /** What the envelope is called; the command when absent. */
  readonly schema?: string;
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
  { argv: ['up', '8000', '--domain', '*.example'], exit: 2, code: 'E_CONFIG_DOMAIN' },
  { argv: ['up', '8000', '--domain', '*.a.example'], exit: 2, code: 'E_CONFIG_CONFLICT' },
  { argv: ['up', '8000', '--email', 'ops'], exit: 2, code: 'E_CONFIG_VALUE' },
  { argv: ['up', '8000', '--staging'], exit: 2, code: 'E_CONFIG_CONFLICT' },
  { argv: ['up', '8000', '--domain', 'a.example'], exit: 6, code: 'E_ACME_TERMS' },
  { argv: ['certs', 'list'], exit: 0, schema: 'certs-list' },
  { argv: ['certs', 'untrust', '--dry-run'], exit: 0, schema: 'certs-untrust' },
  { argv: ['certs', 'show', 'a.example'], exit: 2, code: 'E_CERT_UNKNOWN' },
  { argv: ['certs', 'renew'], exit: 2, code: 'E_CERT_UNKNOWN' },
  { argv: ['certs', 'export', 'a.example'], exit: 2, code: 'E_CERT_UNKNOWN' },
  { argv: ['certs', 'list'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['certs', 'show'], exit: 2, code: 'E_USAGE' },
  { argv: ['certs', 'lst'], exit: 2, code: 'E_USAGE' },
  { argv: ['render', 'caddy'], files: good, exit: 0 },
  { argv: ['render', 'systemd'], files: good, exit: 0 },
  { argv: ['render', 'caddy'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['render', 'squid'], files: good, exit: 2, code: 'E_USAGE' },
  { argv: ['render'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'list'], exit: 0, schema: 'keys-list' },
  { argv: ['keys', 'list'], files: bad, exit: 2, code: 'E_CONFIG_UNKNOWN_KEY' },
  { argv: ['keys', 'revoke', 'ci'], exit: 2, code: 'E_NAME_UNKNOWN' },
  { argv: ['keys', 'revoke'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'create'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'create', '--name', 'a b'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'create', '--name', 'a', '--scopes', 'a"b'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'create', '--name', 'a', '--expires', '90'], exit: 2, code: 'E_USAGE' },
  { argv: ['keys', 'create', '--name', 'a', '--expires', '0d'], exit: 2, code: 'E_USAGE' },
  { argv: ['users', 'list'], exit: 0, schema: 'users-list' },
  { argv: ['users', 'remove', 'alice'], exit: 2, code: 'E_NAME_UNKNOWN' },
  { argv: ['users', 'passwd', 'alice'], exit: 2, code: 'E_NAME_UNKNOWN' },
  { argv: ['users', 'add'], exit: 2, code: 'E_USAGE' },
  { argv: ['users', 'add', 'a/b'], exit: 2, code: 'E_USAGE' },
  { argv: ['users', 'add', 'alice', '--email', 'x'], exit: 2, code: 'E_USAGE' },
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

const isText = ({ argv }: Case): boolean => argv.includes('--help') || argv.includes('--version');
const failing = table.filter((row) => row.code !== undefined);
const working = table.filter((row) => row.code === undefined);

describe.each(working)('breakwater $argv', ({ argv, files = {}, exit, schema = argv[0] }) => {
  it(`ends with ${exit} and complains of nothing`, async () => {
    const outcome = await runCli(argv, { files });
    expect(outcome.exit).toBe(exit);
    expect(outcome.stderr).not.toContain('error');
  });

  it.skipIf(isText({ argv, exit }))('answers a program with one object of its own schema', async () => {
    const { exit: ended, stdout, stderr } = await runCli([...argv, '--json'], { files });
    expect({ ended, stderr }).toEqual({ ended: exit, stderr: '' });
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ schema: `breakwater.${schema}/1` });
  });
});

describe.each(failing)('breakwater $argv', ({ argv, files = {}, exit, code = '' }) => {
  it(`ends with ${exit} and tells a person why`, async () => {
    const outcome = await runCli(argv, { files });
    expect(outcome).toMatchObject({ exit, stdout: '' });
    expect(outcome.stderr).toContain(`error[${code}]: `);
    expect(outcome.stderr).toContain('= fix: ');
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  });

  it('and a program, in one line', async () => {
    const outcome = await runCli([...argv, '--json'], { files });
    expect(outcome.exit).toBe(exit);
    expect(outcome.stderr).toMatch(/^\{.*\}\n$/);
    const [message, hint]: unknown[] = [expect.any(String), expect.any(String)];
    const error = { code, message, exit, hint, docs: `breakwater explain ${code}` };
    expect(JSON.parse(outcome.stderr)).toEqual({ error });
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
