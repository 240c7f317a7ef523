import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isExecutable } from '../support/gateway-program.ts';
import { toCheckoutPath } from '../support/programs.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { startManagedGateway, type ManagedGateway } from '../support/service-manager.ts';
import { until } from '../support/until.ts';

const path = (process.env['PATH'] ?? '').split(delimiter);
const isInstalled = path.some((folder) => existsSync(join(folder, 'systemd-notify')));

/** Where there is no systemd, a program of the same name speaks for it. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breakwater-notify-'));
  if (isInstalled) return;
  const program = join(folder, 'systemd-notify');
  await copyFile(toCheckoutPath('test/support/systemd-notify.py'), program);
  await chmod(program, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

/** The barrier by which systemd-notify waits for the manager is not ours. */
const readOurs = async (gateway: ManagedGateway): Promise<readonly string[]> =>
  (await gateway.readTold()).filter((text) => !text.startsWith('BARRIER='));

const fields = (text: string | undefined): Record<string, string> =>
  Object.fromEntries((text ?? '').split('\n').map((line) => line.split(/=(.*)/s, 2)));

describe.each(isExecutable ? [1] : [1, 2])(
  `a service manager, ${isInstalled ? 'systemd-notify' : 'a stand-in'}, %i worker(s)`,
  (workers) => {
    it('hears when the gateway serves, reloads, refuses a reload, drains, and that it lives', async () => {
      const upstream = await startScriptedUpstream(answerJson('{}'));
      const config = {
        listen: '127.0.0.1:0',
        workers,
        timeouts: { drain: '1s' },
        limits: { connections: 100 },
        routes: [{ path: '/mcp', upstream: upstream.port }],
      };
      await using gateway = await startManagedGateway({
        sockets: [],
        config,
        env: { GATEWAY_PATH: [folder, ...path].join(delimiter), WATCHDOG_USEC: '1000000' },
      });
      await until(async () => (await readOurs(gateway)).includes('WATCHDOG=1'));
      const first = await readOurs(gateway);
      const serving = `STATUS=serving https://localhost:${gateway.port}/mcp`;
      expect(first.filter((text) => text !== 'WATCHDOG=1')).toEqual([`READY=1\n${serving}`]);
      expect(first).toContain('WATCHDOG=1');

      const asked = process.hrtime.bigint() / 1000n;
      await gateway.rewriteConfig({ ...config, timeouts: { drain: '7s' } });
      gateway.signal('SIGHUP');
      await until(() => gateway.complaints.includes('Reloaded: '));
      await gateway.rewriteConfig({ ...config, rouuts: [] });
      gateway.signal('SIGHUP');
      await until(() => gateway.complaints.includes('Not reloaded'));
      gateway.signal('SIGTERM');
      expect(await gateway.exited).toBe(0);

      const told = (await readOurs(gateway)).filter((text) => text !== 'WATCHDOG=1').map(fields);
      expect(told.slice(1)).toEqual([
        { RELOADING: '1', ...(isExecutable ? {} : { MONOTONIC_USEC: expect.any(String) }) },
        { READY: '1', STATUS: serving.slice('STATUS='.length) },
        { RELOADING: '1', ...(isExecutable ? {} : { MONOTONIC_USEC: expect.any(String) }) },
        { READY: '1', STATUS: expect.stringContaining('the last reload was refused: ') },
        // The drain time is that of the reload.
        { STOPPING: '1', STATUS: 'draining: calls finish', EXTEND_TIMEOUT_USEC: '12000000' },
      ]);
      if (!isExecutable) {
        const at = BigInt(told[1]?.['MONOTONIC_USEC'] ?? 0);
        // systemd compares it with its own clock.
        expect(at).toBeGreaterThanOrEqual(asked);
        expect(at).toBeLessThan(process.hrtime.bigint() / 1000n);
      }
      await upstream.stop();
    });
  },
);

it('a service without systemd-notify is warned of once and serves', async () => {
  const config = {
    listen: '127.0.0.1:0',
    routes: [{ path: '/mcp', upstream: 9 }],
    timeouts: { drain: '1s' },
  };
  // The program itself is started by its path.
  await using gateway = await startManagedGateway({ sockets: [], config, env: { GATEWAY_PATH: '/nowhere' } });
  await until(() => gateway.complaints.includes('E_NOTIFY_UNAVAILABLE'));
  gateway.signal('SIGHUP');
  await until(() => gateway.complaints.includes('Reloaded: '));
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
  expect(gateway.complaints.split('E_NOTIFY_UNAVAILABLE')).toHaveLength(2);
  expect(await gateway.readTold()).toEqual([]);
});
