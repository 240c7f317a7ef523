import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAnyPresent } from '../../../src/state/presence.ts';
import { IssueError } from '../../../src/tls/automation/issuer.ts';
import { isRenewalRequested, requestRenewal } from '../../../src/tls/automation/renewal-requests.ts';
import { until } from '../../support/until.ts';
import { createRig, day, hour, minute, type Rig, type RunningAutomation } from './rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

/** Lets time pass in seconds while any of several processes works, so that they can wait for each other. */
async function passTogether(processes: readonly RunningAutomation[], milliseconds: number): Promise<void> {
  let idle = false;
  void Promise.all(processes.map(({ automation }) => automation.settled())).then(() => (idle = true));
  for (let left = milliseconds; left > 0 || !idle; left -= 1000) {
    rig.clock.advance(1000);
    const before = performance.now();
    while (performance.now() - before < 3) await nextTurn();
  }
}

describe('two processes on one state directory', () => {
  it('order once, and both serve what came', async () => {
    const both = [await rig.open(), await rig.open()];
    for (const { automation } of both) automation.start();
    await passTogether(both, 20_000);
    expect(rig.issuer.requests).toHaveLength(1);
    const [first, second] = both.map((running) => running.facts().material?.facts.serialNumber);
    expect(first).toBeDefined();
    expect(second).toBe(first);
    expect(both.flatMap((running) => running.of('adopted'))).toHaveLength(1);
  });

  it('control: without the shared directory both order', async () => {
    const other = await createRig();
    const both = [await rig.open(), await rig.open({ stateDir: other.stateDir })];
    for (const { automation } of both) automation.start();
    await passTogether(both, 20_000);
    expect(rig.issuer.requests).toHaveLength(2);
    await both[1]?.automation.close();
    await other.close();
  });

  it('fail once, and wait both', async () => {
    rig.issuer.onIssue = () => Promise.reject(new IssueError('E_ACME_STUCK', 'told to fail'));
    const both = [await rig.open(), await rig.open()];
    for (const { automation } of both) automation.start();
    await passTogether(both, 20_000);
    expect(rig.issuer.requests).toHaveLength(1);
    await passTogether(both, 110_000);
    expect(rig.issuer.requests).toHaveLength(2);
  });

  it('take up what the other one has renewed within some ticks', async () => {
    const first = await rig.open();
    first.automation.start();
    await first.automation.settled();
    const second = await rig.open();
    second.automation.start();
    await passTogether([first, second], 5000);
    await first.automation.renewNow('mcp.example.com');
    await passTogether([first, second], 6 * minute);
    expect(second.facts().material).toEqual(first.facts().material);
    expect(second.of('adopted')).toHaveLength(1);
  });
});

describe('a request of a command', () => {
  it('is followed within a tick, once, and by nobody whose certificate it is not', async () => {
    const running = await rig.open();
    running.automation.start();
    await running.automation.settled();
    await requestRenewal(rig.stateDir, 'mcp.example.com');
    await requestRenewal(rig.stateDir, 'other.example.com');
    await running.pass(minute);
    await running.pass(minute);
    expect(running.of('issued')).toHaveLength(2);
    expect(await isRenewalRequested(rig.stateDir, 'mcp.example.com')).toBe(false);
    expect(await isRenewalRequested(rig.stateDir, 'other.example.com')).toBe(true);
    await running.pass(10 * minute);
    expect(running.of('issued')).toHaveLength(2);
  });

  it('cannot be read: that is told once, and followed when it can', async () => {
    const directory = join(rig.stateDir, 'renewal-requests');
    await writeFile(directory, '');
    const running = await rig.open();
    running.automation.start();
    await running.automation.settled();
    const issued = running.of('issued').length;
    await running.pass(3 * minute);
    await until(() => running.of('warning').length > 0);
    await running.pass(3 * minute);
    expect(running.of('warning').map(({ warning }) => warning)).toEqual([
      {
        severity: 'warning',
        code: 'E_STATE_UNWRITABLE',
        message: expect.stringContaining(`requests to renew are not seen: cannot read \`${directory}\``),
      },
    ]);
    await rm(directory);
    await requestRenewal(rig.stateDir, 'mcp.example.com');
    await until(async () => {
      await running.pass(minute);
      return running.of('issued').length > issued;
    });
    expect(running.of('issued')).toHaveLength(issued + 1);
  });

  it('is refused for what is no name', async () => {
    await expect(requestRenewal(rig.stateDir, '../x')).rejects.toMatchObject({ code: 'E_CERT_UNKNOWN' });
  });
});

it('a process can be seen while it runs, and what a dead one left is removed', async () => {
  const elsewhere = { pid: 1, host: 'elsewhere' };
  await mkdir(join(rig.stateDir, 'processes'));
  const put = (name: string, identity: object): Promise<void> =>
    writeFile(join(rig.stateDir, 'processes', name), JSON.stringify(identity));
  expect(await isAnyPresent(rig.stateDir)).toBe(false);
  const running = await rig.open();
  running.automation.start();
  await running.automation.settled();
  await nextTurn();
  await put('1-a.json', elsewhere);
  expect(await isAnyPresent(rig.stateDir)).toBe(true);
  await rm(join(rig.stateDir, 'processes', '1-a.json'));
  // Its own sign does not count.
  expect(await isAnyPresent(rig.stateDir)).toBe(false);
  await running.automation.close();
  expect(await readdir(join(rig.stateDir, 'processes'))).toEqual([]);
});

const root = process.getuid?.() === 0 && process.platform === 'linux';

describe.skipIf(!root)('a disk that cannot be written (mounting needs root on Linux)', () => {
  const mount = (options: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', rig.stateDir]);
  };
  const remount = (options: string): void => {
    execFileSync('mount', ['-o', `remount,${options}`, rig.stateDir]);
  };
  afterEach(async () => {
    execFileSync('umount', ['-l', rig.stateDir]);
  });

  it('full: nothing is ordered, the old certificate serves on, and all is well when there is room again', async () => {
    mount('size=256k');
    const running = await rig.open({ tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    const before = running.facts().material;
    expect(before).toBeDefined();
    const fill = join(rig.stateDir, 'fill');
    await writeFile(fill, Buffer.alloc(400_000)).catch(() => undefined);
    await running.pass(65 * day);
    expect(rig.issuer.requests).toHaveLength(1);
    expect(running.facts().material).toBe(before);
    const [failed] = running.of('failed');
    expect(failed?.error).toMatchObject({
      code: 'E_STATE_UNWRITABLE',
      message: expect.stringContaining('the disk is full'),
    });
    await rm(fill);
    await running.pass(2 * hour);
    expect(rig.issuer.requests).toHaveLength(2);
    expect(running.served).toHaveLength(2);
  });

  it('control: with room the certificate is renewed in the same time', async () => {
    mount('size=256k');
    const running = await rig.open({ tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    await running.pass(65 * day);
    expect(rig.issuer.requests).toHaveLength(2);
  });

  it('full after the order: the certificate serves from memory, is stored later, and not ordered again', async () => {
    mount('size=256k');
    const fill = join(rig.stateDir, 'fill');
    rig.issuer.onIssue = async () => {
      await writeFile(fill, Buffer.alloc(400_000)).catch(() => undefined);
    };
    const running = await rig.open({ tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    const material = running.facts().material;
    expect(material).toBeDefined();
    await running.pass(5 * day);
    expect(rig.issuer.requests).toHaveLength(1);
    expect(running.of('warning').map(({ warning }) => warning.code)).toEqual(['E_STATE_UNWRITABLE']);
    await rm(fill);
    await running.pass(20 * minute);
    await running.automation.close();
    const again = await rig.open();
    expect(again.facts().material).toEqual(material);
    expect(again.facts()).toMatchObject({ issuer: 'one', nextAttemptAt: undefined });
  });

  it('full after a renewal: the certificate that is on the disk does not come back in its place', async () => {
    mount('size=256k');
    const fill = join(rig.stateDir, 'fill');
    const running = await rig.open({ tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    rig.issuer.onIssue = async () => {
      await writeFile(fill, Buffer.alloc(400_000)).catch(() => undefined);
    };
    await running.automation.renewNow('mcp.example.com');
    rig.issuer.onIssue = () => Promise.resolve();
    expect(running.of('warning').map(({ warning }) => warning.code)).toEqual(['E_STATE_UNWRITABLE']);
    await rm(fill);
    await running.automation.renewNow('mcp.example.com');
    expect(running.of('adopted')).toEqual([]);
    expect(running.served).toHaveLength(3);
    expect(rig.issuer.requests).toHaveLength(3);
  });

  it('read-only: it starts, says so, and orders nothing', async () => {
    mount('size=256k');
    remount('ro');
    const running = await rig.open({ tick: 10 * minute });
    running.automation.start();
    await running.automation.settled();
    await running.pass(hour);
    expect(rig.issuer.requests).toHaveLength(0);
    expect(running.of('failed')[0]?.error.message).toContain('read-only');
    remount('rw');
    await running.pass(2 * hour);
    expect(running.served).toHaveLength(1);
  });
});

it('a state directory that belongs to another user: nothing is ordered', async () => {
  if (root) return;
  await chmod(rig.stateDir, 0o500);
  const running = await rig.open();
  running.automation.start();
  await running.automation.settled();
  expect(rig.issuer.requests).toHaveLength(0);
  await chmod(rig.stateDir, 0o700);
});
