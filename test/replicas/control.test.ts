import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClientAuthority } from '../support/client-certificates.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { buildGet } from '../support/messages.ts';
import {
  createProgramRuns,
  readFirstLine,
  readOutcome,
  type Outcome,
  type ProgramRuns,
} from '../support/program-runs.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

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

const connect = async (port: number): Promise<RawClient> =>
  connectRaw({ port, ca: await readFile(join(directory, 'state/local-ca/ca.pem'), 'utf8') });

async function readStatus(): Promise<Record<string, unknown>> {
  const { stdout } = await command('status', '--json');
  const { gateways } = JSON.parse(stdout) as { gateways: Record<string, unknown>[] };
  return gateways[0] ?? {};
}

describe('a running gateway', () => {
  it('says what it serves and has open, reloads, and drains', async () => {
    await writeConfig();
    const { child, port } = await startUp();
    const client = await connect(port);
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
    expect(upgraded.code).toBe(isExecutable ? 2 : 0);
    if (isExecutable) expect(upgraded.stderr).toContain('E_RELOAD_REFUSED');

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

  it.each([1, 2])('opens the file of the access log anew, for a rotation; %i worker(s)', async (workers) => {
    const answering = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    const log = { access: 'access.log', format: 'json' };
    await writeConfig({ workers, log, routes: [{ path: '/mcp', upstream: answering.port }] });
    const { port } = await startUp();
    const [current, rotated] = [join(directory, 'access.log'), join(directory, 'access.log.1')];
    const paths = async (path: string): Promise<readonly string[]> => {
      const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
      // Its form is that of the program under test.
      return lines.map((line) => (JSON.parse(line) as { path: string }).path);
    };
    const call = async (path: string): Promise<void> => {
      const client = await connect(port);
      client.send(buildPost(ping, { path }));
      await client.until((received) => received.includes('\r\n\r\n'));
      client.socket.destroy();
    };
    // Each of the workers has the file open.
    await call('/first');
    await call('/second');
    await rename(current, rotated);
    await call('/third');
    await call('/fourth');
    expect((await command('reload')).code).toBe(0);
    await call('/fifth');
    await call('/sixth');
    await until(async () => (await paths(current)).length === 2);
    // None is lost on the way, and none is written to both.
    expect((await paths(current)).toSorted()).toEqual(['/fifth', '/sixth']);
    expect((await paths(rotated)).toSorted()).toEqual(['/first', '/fourth', '/second', '/third']);
    await answering.stop();
  });

  it('ends kept connections when who may come in by a certificate changes, and no others', async () => {
    const answering = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    const routes = [{ path: '/mcp', upstream: answering.port }];
    await writeConfig({ routes });
    const { port } = await startUp();
    const client = await connect(port);
    const call = async (): Promise<string> => {
      client.clear();
      client.send(buildPost(ping));
      return client.until((received) => received.includes('"result"'));
    };
    await call();
    // Control: another change leaves it open.
    await writeConfig({ routes, hosts: ['other.test'] });
    expect((await command('reload')).code).toBe(0);
    expect(await call()).not.toContain('connection: close');
    expect(client.socket.destroyed).toBe(false);

    const { cert } = await createClientAuthority();
    await writeFile(join(directory, 'clients.pem'), cert);
    await writeConfig({ routes, tls: { clients: { ca: 'clients.pem', required: true } } });
    expect((await command('reload')).code).toBe(0);
    // The call that comes is answered, and the connection of somebody without a certificate ends with it.
    expect((await call()).toLowerCase()).toContain('connection: close');
    await until(() => client.socket.destroyed);
    expect(client.socket.destroyed).toBe(true);
    const stranger = await connect(port).catch(() => undefined);
    stranger?.send(buildPost(ping));
    await until(() => stranger === undefined || stranger.socket.destroyed);
    expect(stranger?.received ?? '').toBe('');
    expect(stranger?.socket.destroyed ?? true).toBe(true);
    await answering.stop();
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
