import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGatewayCommand, buildGatewayEnvironment, isExecutable } from '../support/gateway-program.ts';
import { createProgramRuns, readFirstLine, readOutcome } from '../support/program-runs.ts';
import { acceptsConnections, findFreePort } from '../support/programs.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';
import { runManagedGateway, startManagedGateway, type ManagedGateway } from '../support/service-manager.ts';
import { until } from '../support/until.ts';
import { askGateway, askStatus, waitForWorkers } from './status.ts';

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

let upstream: ScriptedUpstream;

beforeEach(async () => {
  upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
});
afterEach(() => upstream.stop());

const buildConfig = (changes: object = {}): Record<string, unknown> => ({
  // Nobody may bind it by chance: a port that is not used.
  listen: '127.0.0.1:9',
  timeouts: { drain: '1s' },
  limits: { connections: 100 },
  routes: [{ path: '/mcp', upstream: upstream.port }],
  ...changes,
});

async function call({ port, ca }: Pick<ManagedGateway, 'port' | 'ca'>): Promise<string> {
  const client = await connectRaw({ port, ca });
  client.send(buildPost(ping));
  const answer = await client.until((received) => received.includes('"result"'));
  client.socket.destroy();
  return answer.slice(0, 12);
}

const askable = async (gateway: ManagedGateway): Promise<{ stateDir: string; pid: number }> => ({
  stateDir: gateway.stateDir,
  pid: await gateway.readPid(),
});

const activate = '/usr/bin/systemd-socket-activate';

it.skipIf(!existsSync(activate))('a socket of systemd itself is used (systemd-socket-activate)', async () => {
  const port = await findFreePort();
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-activate-'));
  const configFile = join(directory, 'breakwater.json');
  await writeFile(configFile, JSON.stringify(buildConfig({ state_dir: 'state' })));
  const { command, args } = buildGatewayCommand(['up', '--config', configFile]);
  const listening = ['--listen', `127.0.0.1:${port}`, '--fdname=https'];
  const child = spawn(activate, [...listening, command, ...args], {
    env: buildGatewayEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // It starts the program when somebody connects.
  await until(() => acceptsConnections(port), 10_000);
  expect(await readFirstLine(child)).toBe(`https://localhost:${port}/mcp`);
  const ca = await readFile(join(directory, 'state/local-ca/ca.pem'), 'utf8');
  expect(await call({ port, ca })).toBe('HTTP/1.1 200');
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(0);
  await rm(directory, { recursive: true });
});

// The executable is one process.
describe.each(isExecutable ? [1] : [1, 2])('sockets of the service manager, %i worker(s)', (workers) => {
  it('are used in the place of the listeners of their name, and stay over reload', async () => {
    await using gateway = await startManagedGateway({
      sockets: ['https=127.0.0.1:0', 'http=127.0.0.1:0'],
      config: buildConfig({ workers, plain_http: '127.0.0.1:10' }),
    });
    expect(gateway.port).toBeGreaterThan(10);
    expect(await call(gateway)).toBe('HTTP/1.1 200');

    const { workers: running } = await askStatus(await askable(gateway));
    expect(running).toHaveLength(workers === 1 ? 0 : workers);
    for (const { pid } of running)
      expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('LISTEN_');

    const routes = [
      { path: '/mcp', upstream: upstream.port },
      { path: '/b', upstream: 11 },
    ];
    await gateway.rewriteConfig(buildConfig({ workers, plain_http: '127.0.0.1:10', routes }));
    gateway.signal('SIGHUP');
    await until(() => gateway.complaints.includes('Reloaded: '));
    expect(gateway.complaints).toContain(`https://localhost:${gateway.port}/b`);
    expect(await call(gateway)).toBe('HTTP/1.1 200');

    // The socket for plain HTTP would take connections that nobody answers.
    await gateway.rewriteConfig(buildConfig({ workers, plain_http: false }));
    gateway.signal('SIGHUP');
    await until(() => gateway.complaints.includes('Not reloaded'));
    expect(gateway.complaints).toContain('E_LISTEN_HANDED_OVER');
    expect(await call(gateway)).toBe('HTTP/1.1 200');

    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
  });

  it('are found by their port without a name; control: without the variables that is taken', async () => {
    const port = await findFreePort();
    const config = buildConfig({ workers, listen: `127.0.0.1:${port}` });
    await using gateway = await startManagedGateway({
      sockets: [`breakwater.socket=127.0.0.1:${port}`],
      config,
    });
    expect(gateway.port).toBe(port);
    expect(await call(gateway)).toBe('HTTP/1.1 200');
    const runs = createProgramRuns(gateway.stateDir);
    const listen = ['--listen', `127.0.0.1:${port}`, '--workers', `${workers}`];
    const refused = await readOutcome(
      runs.start('up', `${upstream.port}`, ...listen, '--state-dir', 'other'),
    );
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('E_LISTEN_IN_USE')]);
  });

  it('keep connections waiting while the gateway dies and is started again', async () => {
    await using gateway = await startManagedGateway({
      sockets: ['https=127.0.0.1:0'],
      config: buildConfig({ workers }),
    });
    const asked = await askable(gateway);
    process.kill(asked.pid, 'SIGKILL');
    await until(async () => (await gateway.readPid()) !== asked.pid);
    // The new process is a second away from its first connection.
    expect(await call(gateway)).toBe('HTTP/1.1 200');
    expect(await gateway.readPid()).not.toBe(asked.pid);
  });

  it('do not open a public door that the configuration keeps shut (A1)', async () => {
    const { code, stderr } = await runManagedGateway({
      sockets: ['https=0.0.0.0:0'],
      config: buildConfig({ workers }),
    });
    expect([code, stderr]).toEqual([6, expect.stringContaining('E_PUBLIC_WITHOUT_AUTH')]);
  });

  it('are refused where they belong to no listener', async () => {
    const { code, stderr } = await runManagedGateway({
      sockets: ['https=127.0.0.1:0', 'more=127.0.0.1:0'],
      config: buildConfig({ workers }),
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/E_LISTEN_HANDED_OVER.*\(`more`\) belongs to no/),
    ]);
  });
});

it.skipIf(isExecutable)(
  'sockets of the service manager stay when all workers die, and connections wait',
  async () => {
    await using gateway = await startManagedGateway({
      sockets: ['https=127.0.0.1:0'],
      config: buildConfig({ workers: 2 }),
    });
    const asked = await askable(gateway);
    await waitForWorkers(asked, 2);
    for (const { pid } of (await askStatus(asked)).workers) process.kill(pid, 'SIGKILL');
    // The new workers are a second away from their first connection.
    expect(await call(gateway)).toBe('HTTP/1.1 200');
    await waitForWorkers(asked, 2);
    expect(await gateway.readPid()).toBe(asked.pid);
  },
);

it.skipIf(isExecutable)('sockets of the service manager stay over an upgrade', async () => {
  await using gateway = await startManagedGateway({
    sockets: ['https=127.0.0.1:0'],
    config: buildConfig({ workers: 2 }),
  });
  const asked = await askable(gateway);
  await waitForWorkers(asked, 2);
  const before = new Set((await askStatus(asked)).workers.map(({ pid }) => pid));
  expect(await askGateway(asked, '/upgrade')).toEqual({ ok: true, diagnostics: [] });
  const after = (await askStatus(asked)).workers.filter(({ state }) => state === 'running');
  expect(after.filter(({ pid }) => before.has(pid))).toEqual([]);
  expect([await call(gateway), await call(gateway)]).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
});
