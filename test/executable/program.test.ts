import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGatewayCommand } from '../support/gateway-program.ts';
import { createProgramRuns, readFirstLine } from '../support/program-runs.ts';
import { until } from '../support/until.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-program-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end where nothing else can be found: no PATH, no Node, no file of the package. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { command, args: all } = buildGatewayCommand(args);
  const child = spawn(command, all, { cwd: directory, env: { HOME: directory, PATH: '', ...env } });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
}

describe('the executable, alone', () => {
  it('knows the version of the package, and what it runs on', async () => {
    const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string }; // It is ours.
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const { stdout } = await run(['version', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ version, bun: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  it.each([
    ['explain', ['explain', 'E_CONFIG_UPSTREAM'], /^E_CONFIG_UPSTREAM: /],
    ['schema', ['schema'], /"heartbeat"/],
    ['completion', ['completion', 'bash'], /^_breakwater\(\) \{/],
    ['the words of completion', ['__complete', '--', 'che'], /check/],
    ['help', ['--help'], /breakwater up 8000/],
  ])('has %s', async (_name, args, expected) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(expected);
  });

  it('is one process where workers are wanted, says so, and can be reloaded', async () => {
    await writeFile(
      join(directory, 'breakwater.yaml'),
      'listen: 127.0.0.1:0\nworkers: 2\nroutes: [{ upstream: 9 }]\nstate_dir: state\ntimeouts: { drain: 1s }\n',
    );
    const runs = createProgramRuns(directory);
    const child = runs.start('up');
    let stderr = '';
    child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    await readFirstLine(child);
    expect(stderr).toContain('the single executable, which is one process');
    child.kill('SIGHUP');
    await until(() => stderr.includes('Reloaded: '));
    expect(stderr).toContain('Reloaded: ');
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  it('checks a YAML file and prints what it means', async () => {
    const file = join(directory, 'good.yaml');
    await writeFile(file, 'routes:\n  - upstream: 8000\ntimeouts: { heartbeat: 7s }\n');
    const { code, stdout } = await run(['check', '--print', file]);
    expect(code).toBe(0);
    expect(stdout).toContain('7s');
  });

  it('tells a mistake with its place, and in JSON', async () => {
    const file = join(directory, 'bad.yaml');
    await writeFile(file, 'routes:\n  - upsteam: 8000\n');
    expect((await run(['check', file])).stderr).toContain('bad.yaml:2');
    const { code, stdout } = await run(['check', '--json', file]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
  });

  it('takes no settings from an .env file that lies around', async () => {
    await writeFile(join(directory, '.env'), 'BREAKWATER_LISTEN=nonsense\n');
    const file = join(directory, 'good.yaml');
    const quiet = await run(['check', file]);
    const control = await run(['check', file], { BREAKWATER_LISTEN: 'nonsense' });
    expect(quiet.stderr).not.toContain('nonsense');
    expect(control.stderr).toContain('nonsense');
  });
});
