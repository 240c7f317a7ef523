import { describe, expect, it } from 'vitest';
import { createServiceManager, type ServiceManager } from '../../src/cli/up/service-manager.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Heard {
  readonly manager: ServiceManager;
  readonly told: (readonly string[])[];
  readonly warnings: string[];
  readonly environments: NodeJS.ProcessEnv[];
  readonly clock: ManualClock;
}

function start(
  env: NodeJS.ProcessEnv,
  run: () => Promise<void> = () => Promise.resolve(),
  monotonic: () => bigint | undefined = () => 12n,
): Heard {
  const told: (readonly string[])[] = [];
  const warnings: string[] = [];
  const environments: NodeJS.ProcessEnv[] = [];
  const clock = new ManualClock();
  const manager = createServiceManager(env, {
    clock,
    pid: 7,
    monotonic,
    warn: (problem) => void warnings.push(problem),
    run(assignments, given) {
      told.push(assignments);
      environments.push(given);
      return run();
    },
  });
  return { manager, told, warnings, environments, clock };
}

const missing = (): Promise<void> => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what a service manager is told', () => {
  it('is nothing where there is none', async () => {
    const { manager, told, clock } = start({ WATCHDOG_USEC: '1000000' });
    manager.ready('serving');
    manager.reloading();
    manager.stopping(1000);
    clock.advance(10_000);
    await manager.close();
    expect(told).toEqual([]);
  });

  it('comes in order, and its variables are gone for children', async () => {
    const env = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '5', WATCHDOG_PID: '8', PATH: '/bin', OTHER: 'x' };
    const { manager, told, environments } = start(env);
    expect(env).toEqual({ PATH: '/bin', OTHER: 'x' });
    manager.ready('serving a');
    manager.reloading();
    manager.ready('serving b');
    manager.stopping(30_000);
    await manager.close();
    expect(told).toEqual([
      ['READY=1', 'STATUS=serving a'],
      ['RELOADING=1', 'MONOTONIC_USEC=12'],
      ['READY=1', 'STATUS=serving b'],
      ['STOPPING=1', 'STATUS=draining: calls finish', 'EXTEND_TIMEOUT_USEC=35000000'],
    ]);
    expect(environments[0]).toEqual({ PATH: '/bin', NOTIFY_SOCKET: '/run/n' });
  });

  it('has no time of a clock that the runtime does not tell', async () => {
    const { manager, told } = start({ NOTIFY_SOCKET: '/run/n' }, undefined, () => undefined);
    manager.reloading();
    await manager.close();
    expect(told).toEqual([['RELOADING=1']]);
  });

  it('notify-field-injection: a status is one line, whatever is in it', async () => {
    const { manager, told } = start({ NOTIFY_SOCKET: '/run/n' });
    manager.ready(`a\nMAINPID=1\r\n${'x'.repeat(1000)}`);
    await manager.close();
    expect(told[0]?.[1]).toMatch(/^STATUS=a MAINPID=1 x{180,190}…$/);
  });

  it('is that it lives, from the first word on, at half of the time, one at a time, until it is closed', async () => {
    const running: (() => void)[] = [];
    const { manager, told, clock } = start(
      { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' },
      () => new Promise((resolve) => void running.push(resolve)),
    );
    clock.advance(60_000);
    manager.ready('serving');
    manager.ready('serving again');
    await turn();
    running.shift()?.();
    await turn();
    running.shift()?.();
    clock.advance(14_999);
    await turn();
    expect(told).toHaveLength(2);
    clock.advance(1);
    await turn();
    expect(told.slice(2)).toEqual([['WATCHDOG=1']]);
    clock.advance(15_000);
    await turn();
    expect(told).toHaveLength(3);
    running.shift()?.();
    await turn();
    clock.advance(15_000);
    await turn();
    expect(told).toHaveLength(4);
    running.shift()?.();
    await manager.close();
    clock.advance(60_000);
    await turn();
    expect(told).toHaveLength(4);
  });

  it('is not that it lives where the watchdog is for another process', async () => {
    const env = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '1000000', WATCHDOG_PID: '8' };
    const { manager, told, clock } = start(env);
    manager.ready('serving');
    clock.advance(10_000);
    await manager.close();
    expect(told).toHaveLength(1);
  });
});

describe('a service manager that cannot be told', () => {
  it('is warned of once where the program is missing, and asked no more', async () => {
    const { manager, told, warnings } = start({ NOTIFY_SOCKET: '/run/n' }, missing);
    manager.ready('serving');
    manager.reloading();
    await manager.close();
    expect(told).toHaveLength(1);
    expect(warnings).toEqual(['there is no `systemd-notify`']);
  });

  it('is warned of once where the program fails, and tried again', async () => {
    const failing = (): Promise<void> => Promise.reject(new Error('exit 1\n'));
    const { manager, told, warnings } = start({ NOTIFY_SOCKET: '/run/n' }, failing);
    manager.ready('serving');
    manager.reloading();
    await manager.close();
    expect(told).toHaveLength(2);
    expect(warnings).toEqual(['`systemd-notify` failed: exit 1']);
  });
});
