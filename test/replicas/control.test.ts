import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGet } from '../support/messages.ts';
import {
  createProgramRuns,
  readFirstLine,
  readOutcome,
  type Outcome,
  type ProgramRuns,
} from '../support/program-runs.ts';
import { connectRaw } from '../support/raw-client.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';

let directory: string;
let upstream: ScriptedUpstream;
let runs: ProgramRuns;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-control-'));
  upstream = await startScriptedUpstream(({ socket }) => void socket.write(eventStreamHead));
  runs = createProgramRuns(directory);
});
afterEach(async () => {
  runs.kill();
  await upstream.stop();
  await rm(directory, { recursive: true, force: true });
});

const writeConfig = (changes: object = {}): Promise<void> =>
  writeFile(
    join(directory, 'breakwater.yaml'),
    JSON.stringify({
      listen: '127.0.0.1:0',
      state_dir: 'state',
      limits: { connections: 100 },
      timeouts: { drain: '1s' },
      routes: [{ path: '/mcp', upstream: upstream.port }],
      ...changes,
    }),
  );

const command = (...args: readonly string[]): Promise<Outcome> => readOutcome(runs.start(...args));

async function startUp(
  ...args: readonly string[]
): Promise<{ child: ChildProcess; port: number; said: () => string }> {
  const child = runs.start('up', ...args);
  let stderr = '';
  child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  return { child, port: Number(new URL(await readFirstLine(child)).port), said: () => stderr };
}

async function readStatus(): Promise<Record<string, unknown>> {
  const { stdout } = await command('status', '--json');
  const { gateways } = JSON.parse(stdout) as { gateways: Record<string, unknown>[] };
  return gateways[0] ?? {};
}

describe('a running gateway', () => {
  it('says what it serves and has open, reloads, and drains', async () => {
    await writeConfig();
    const { child, port } = await startUp();
    const client = await connectRaw({
      port,
      ca: await readFile(join(directory, 'state/local-ca/ca.pem'), 'utf8'),
    });
    client.send(buildGet());
    await client.until((received) => received.includes('\r\n\r\n'));
    expect(await readStatus()).toMatchObject({
      state: 'running',
      pid: child.pid,
      urls: [`https://localhost:${port}/mcp`],
      config: 'breakwater.yaml',
      lastReload: null,
      connections: 1,
      open: [{ route: '/mcp', what: 'GET', endless: true, count: 1 }],
    });
    const told = await command('status');
    expect(told.stdout).toContain('stream of a session');
    expect(told.code).toBe(0);

    await writeConfig({
      routes: [
        { path: '/mcp', upstream: upstream.port },
        { path: '/b', upstream: 9 },
      ],
    });
    const reloaded = await command('reload');
    expect([reloaded.code, reloaded.stdout]).toEqual([
      0,
      `https://localhost:${port}/mcp\nhttps://localhost:${port}/b\n`,
    ]);

    const upgraded = await command('upgrade');
    expect([upgraded.code, upgraded.stderr]).toEqual([2, expect.stringContaining('E_RELOAD_REFUSED')]);

    const stopped = await command('stop');
    expect(stopped.code).toBe(0);
    expect(stopped.stderr).toContain(`stopped: pid ${child.pid}`);
    expect(client.received).toContain('retry: ');
    client.socket.destroy();
    await until(() => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
    const after = await command('status');
    expect([after.code, after.stderr]).toEqual([4, expect.stringContaining('E_NOT_RUNNING')]);
  });

  it('goes on with what it has when the file has a mistake, and says where it is', async () => {
    await writeConfig();
    const { said } = await startUp();
    await writeConfig({ rouuts: [] });
    const refused = await command('reload');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('E_CONFIG_UNKNOWN_KEY');
    expect(refused.stderr).toContain('breakwater.yaml:1:');
    const status = await readStatus();
    expect(status).toMatchObject({
      state: 'running',
      lastReload: { problems: [expect.stringContaining('rouuts')] },
    });
    await until(() => said().includes('the configuration before is still in use'));
    expect(said()).toContain('the configuration before is still in use');
  });

  it.each([
    ['the state directory', { state_dir: 'elsewhere' }, 2, 'E_RELOAD_REFUSED'],
    ['a public address without access control', { listen: '0.0.0.0:0' }, 6, 'E_PUBLIC_WITHOUT_AUTH'],
    ['a certificate that is not there', { tls: { cert: 'no.pem', key: 'no.pem' } }, 2, 'E_TLS_UNREADABLE'],
  ])('does not take %s', async (_what, changes, code, error) => {
    await writeConfig();
    const { port } = await startUp();
    await writeConfig(changes);
    const refused = await command('reload', '--state-dir', 'state');
    expect([refused.code, refused.stderr]).toEqual([code, expect.stringContaining(error)]);
    const status = await command('status', '--json', '--state-dir', 'state');
    expect(status.stdout).toContain(`https://localhost:${port}/mcp`);
  });

  it('reloads on SIGHUP, and by itself with --watch', async () => {
    await writeConfig();
    const { child, said } = await startUp('--watch');
    await writeConfig({ routes: [{ path: '/second', upstream: 9 }] });
    await until(() => said().includes('/second'));
    expect(said()).toMatch(/Reloaded: .*\/second/);
    child.kill('SIGHUP');
    await until(() => said().split('Reloaded: ').length > 2);
    expect(said().split('Reloaded: ').length).toBeGreaterThan(2);
  });

  it('lets only its owner ask, and takes away the sockets of those that were killed', async () => {
    await writeConfig();
    const { child } = await startUp();
    const folder = join(directory, 'state/control');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(folder)).toEqual([`${child.pid}.sock`]);
    expect((await command('reload')).code).toBe(4);
    const { child: second } = await startUp();
    expect(await readdir(folder)).toEqual([`${second.pid}.sock`]);
  });

  it('serves without its socket where the path is too long for one', async () => {
    const stateDir = join(directory, 'x'.repeat(100));
    await writeConfig({ state_dir: stateDir });
    const { said } = await startUp();
    await until(() => said().includes('E_CONTROL_UNAVAILABLE'));
    expect(said()).toContain('warning[E_CONTROL_UNAVAILABLE]');
  });
});
