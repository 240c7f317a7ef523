import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { errorCodes } from '../../src/lib/error-codes.ts';
import { cwd, runCli } from './capture-io.ts';

const config = `${cwd}/breakwater.yaml`;

describe('help', () => {
  it('begins with five examples and fits a screen', async () => {
    const { stdout } = await runCli(['--help']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(35);
    expect(lines.slice(2, 7).every((line) => line.startsWith('  breakwater '))).toBe(true);
    expect(lines[8]).toBe('Usage: breakwater [options] [command]');
  });

  it.each([
    'up',
    'check',
    'certs',
    'certs list',
    'certs show',
    'certs renew',
    'certs export',
    'certs trust',
    'certs untrust',
    'keys',
    'keys create',
    'keys list',
    'keys revoke',
    'keys jwks',
    'users',
    'users add',
    'users list',
    'users remove',
    'users passwd',
    'client',
    'schema',
    'lint',
    'doctor',
    'explain',
    'completion',
    'version',
  ])('of %s has usage, examples and exit codes', async (command) => {
    const { stdout } = await runCli([...command.split(' '), '--help']);
    expect(stdout).toMatch(new RegExp(`^Usage: breakwater ${command} `));
    expect(stdout.match(/^ {2}(?:.*breakwater |#)/gm)?.length).toBeGreaterThanOrEqual(2);
    expect(stdout).toContain('Exit codes: 0 ');
  });

  it('hides what shells ask', async () => {
    expect((await runCli(['--help'])).stdout).not.toContain('__complete');
  });
});

describe('check', () => {
  it('says on standard error that all is well, and nothing on standard output', async () => {
    expect(await runCli(['check'], { files: { [config]: 'routes: [{ upstream: 1 }]' } })).toEqual({
      exit: 0,
      stdout: '',
      stderr: 'breakwater.yaml is valid: 1 route, HTTPS on 127.0.0.1:8443\n',
    });
  });

  it('names the URL of each of several routes, those of one path by their hosts', async () => {
    const text =
      'domains: [a.test, b.test]\nlisten: 127.0.0.1:8443\nroutes: [{ host: [a.test, b.test], upstream: 1 }, { path: /x, upstream: 1 }]';
    const { stderr } = await runCli(['check'], { files: { [config]: text } });
    expect(stderr).toContain('is valid: 3 routes');
    expect(stderr.match(/^ {2}https:.*$/gm)).toEqual([
      '  https://a.test:8443/mcp',
      '  https://b.test:8443/mcp',
      '  https://a.test:8443/x',
    ]);
  });

  it('prints the configuration on standard output alone', async () => {
    const files = { [config]: 'routes: [{ upstream: 1 }]' };
    const { stdout, stderr } = await runCli(['check', '--print'], {
      files,
      env: { BREAKWATER_LISTEN: '127.0.0.1:9443' },
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^listen: 127\.0\.0\.1:9443 +# BREAKWATER_LISTEN \(environment\)\n/);
    expect(parse(stdout)).toHaveProperty('limits.body', '8MiB');
  });

  it('lists all problems as JSON, without source lines', async () => {
    const files = { [config]: 'lisen: 1\nroutes: [{ upsteam: 1 }]' };
    const { stdout, stderr } = await runCli(['check', '--json'], { files });
    expect(JSON.parse(stdout)).toEqual({
      schema: 'breakwater.check/1',
      ok: false,
      diagnostics: [
        expect.objectContaining({
          code: 'E_CONFIG_UNKNOWN_KEY',
          file: 'breakwater.yaml',
          line: 1,
          column: 1,
        }),
        expect.objectContaining({ code: 'E_CONFIG_MISSING', line: 2, column: 10 }),
        expect.objectContaining({ code: 'E_CONFIG_UNKNOWN_KEY', line: 2, column: 12 }),
      ],
    });
    expect(stdout).not.toContain('sourceLine');
    expect(JSON.parse(stderr)).toHaveProperty(
      'error.message',
      'breakwater.yaml:1:1: `lisen` is not a setting (and 2 more)',
    );
  });

  it('shows warnings and succeeds', async () => {
    const files = { [config]: 'routes: [{ upstream: 1 }]\ntrusted_proxies: [0.0.0.0/0]' };
    const outcome = await runCli(['check'], { files });
    expect(outcome.exit).toBe(0);
    expect(outcome.stderr).toContain('warning[E_CONFIG_RISK]');
  });
});

describe('explain', () => {
  it('knows every code of the table', async () => {
    const { stdout } = await runCli(['explain']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(Object.keys(errorCodes));
  });

  it.each(['E_CONFIG_VALUE', 'e_config_value', 'config-value'])('understands %s', async (code) => {
    const { stdout } = await runCli(['explain', code]);
    expect(stdout).toMatch(
      /^E_CONFIG_VALUE: a setting has a value that cannot be used\n\n.*\n\nfix: .*\n\nexit code 2\n$/s,
    );
  });

  it('names the code that was probably meant', async () => {
    expect((await runCli(['explain', 'E_CONFG_VALUE'])).stderr).toBe(
      'error[E_USAGE]: `E_CONFG_VALUE` is not an error code\n   = fix: did you mean `E_CONFIG_VALUE`?\n',
    );
  });
});

describe('mistakes', () => {
  it.each([
    [['chekc'], 'unknown command `chekc`', 'did you mean `check`?'],
    [['up', '8000', '--domian', 'x'], 'unknown option `--domian`', 'did you mean `--domain`?'],
    [
      ['up', '8000', '--auth', 'x'],
      'option `--auth <MODE>` argument `x` is invalid',
      'allowed choices are key, oauth, none',
    ],
    [
      ['completion'],
      'missing required argument `SHELL`',
      'run `breakwater --help`, or `breakwater COMMAND --help`',
    ],
  ])('%j', async (argv, message, fix) => {
    expect((await runCli(argv)).stderr).toBe(`error[E_USAGE]: ${message}\n   = fix: ${fix}\n`);
  });
});

describe('colour', () => {
  const red = '\u001b[31m';

  it('follows the terminal unless it is chosen', async () => {
    expect((await runCli(['x'], { hasColors: true })).stderr).toContain(red);
    expect((await runCli(['x'])).stderr).not.toContain(red);
    expect((await runCli(['x', '--color', 'always'])).stderr).toContain(red);
    expect((await runCli(['x', '--color=never'], { hasColors: true })).stderr).not.toContain(red);
  });
});
