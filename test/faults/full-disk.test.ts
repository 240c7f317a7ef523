import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { recordEvidence } from '../support/evidence.ts';
import { runCli } from '../cli/capture-io.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startSteadyCaller, type SteadyCaller } from '../support/steady-caller.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { startFaultRig } from './fault-rig.ts';

const SECOND = 1000;
const STREAMS = 50;
const PER_SECOND = 100;
const FAULT_SECONDS = 3;

let upstream: ScriptedUpstream;
let disk: string;

beforeAll(async () => {
  upstream = await startScriptedUpstream((request) => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
    else answerJson('{"jsonrpc":"2.0","id":1,"result":{}}')(request);
  });
  disk = await mkdtemp(join(tmpdir(), 'breakwater-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
});
afterAll(async () => {
  execFileSync('umount', ['-l', disk]);
  await rm(disk, { recursive: true });
  await upstream.stop();
});

/** Writes a file until there is no room for another byte. */
function fillDisk(): string {
  const path = join(disk, 'filler');
  const file = openSync(path, 'w');
  const isFull = (size: number): boolean => {
    try {
      while (writeSync(file, Buffer.alloc(size)) === size);
      return true;
    } catch {
      return true;
    }
  };
  for (const size of [1024 * 1024, 4096, 1]) isFull(size);
  closeSync(file);
  return path;
}

/** A terminal whose other side is gone: a file on which every write fails with EIO. */
async function openBrokenDevice(): Promise<{ readonly path: string; breakDown(): Promise<void> }> {
  const program =
    'import os, pty\nmaster, slave = pty.openpty()\nprint(os.ttyname(slave), flush=True)\nwhile os.read(master, 65536): pass';
  const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [path] = (await once(createInterface(child.stdout), 'line')) as string[];
  return {
    path: path ?? '',
    async breakDown() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

describe('full-disk (T37)', () => {
  const figures: Record<string, string | number> = {};
  const controls: string[] = [];
  let failures = 0;

  async function undisturbed(caller: SteadyCaller): Promise<number> {
    await caller.report();
    await until(() => false, FAULT_SECONDS * SECOND);
    const { answered, failures: failed } = await caller.report();
    expect(failed).toEqual({});
    expect(answered).toBeGreaterThan((PER_SECOND * FAULT_SECONDS) / 2);
    return answered;
  }

  it('a full disk under log and state costs log lines and no call, is told of, and is used again', async () => {
    const access = join(disk, 'access.log');
    const stateDir = join(disk, 'state');
    await using rig = await startFaultRig({
      upstreamPort: upstream.port,
      stateDir,
      config: { log: { level: 'info', format: 'json', access } },
    });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    await fleet.open({ ...gateway, streams: STREAMS });
    await using caller = await startSteadyCaller({ ...gateway, perSecond: PER_SECOND });
    const keys = (name: string): ReturnType<typeof runCli> =>
      runCli(['keys', 'create', '--name', name, '--state-dir', stateDir]);
    expect((await keys('before')).exit).toBe(0);
    controls.push('with room on the disk a key is stored and lines are written');
    const filler = fillDisk();
    const answered = await undisturbed(caller);
    expect(gateway.complaints).toMatch(/access log.*ENOSPC|ENOSPC.*access log/s);
    const refused = await keys('during');
    expect(refused.exit).not.toBe(0);
    expect(refused.stderr).toContain('E_STATE_UNWRITABLE');
    const size = (await readFile(access)).length;
    await unlink(filler);
    await until(async () => (await readFile(access)).length > size, 5 * SECOND);
    expect((await readFile(access)).length).toBeGreaterThan(size);
    expect((await keys('after')).exit).toBe(0);
    const listed = await runCli(['keys', 'list', '--json', '--state-dir', stateDir]);
    expect(listed.stdout).toContain('before');
    expect(listed.stdout).toContain('after');
    expect(listed.stdout).not.toContain('during');
    // Of the line at which the disk was full a part may be there; every other line is whole.
    const lines = (await readFile(access, 'utf8')).split('\n').slice(0, -1);
    expect(lines.filter((line) => !isJson(line)).length).toBeLessThanOrEqual(1);
    expect(await fleet.report()).toMatchObject({ running: STREAMS, dropped: {} });
    figures['calls on a full disk, none failed'] = answered;
    figures['streams kept'] = `${STREAMS} of ${STREAMS}`;
    await caller.stop();
    await fleet.leave('end');
    expect(await gateway.stop()).toBe(0);
  });

  it('a state directory that becomes read-only costs no call', async () => {
    const stateDir = join(disk, 'read-only');
    await using rig = await startFaultRig({ upstreamPort: upstream.port, stateDir });
    const { gateway } = rig;
    await using caller = await startSteadyCaller({ ...gateway, perSecond: PER_SECOND });
    // The control socket stays open: sockets are no files that hold a disk writable.
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    try {
      figures['calls on a read-only disk, none failed'] = await undisturbed(caller);
      const refused = await runCli(['keys', 'create', '--name', 'late', '--state-dir', stateDir]);
      expect(refused.exit).not.toBe(0);
      expect(refused.stderr).toContain('E_STATE_UNWRITABLE');
      controls.push('on the read-only disk a key cannot be stored');
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', disk]);
    }
    await caller.stop();
    expect(await gateway.stop()).toBe(0);
  });

  it('a log device that fails with EIO costs no call, and is told of once', async () => {
    const device = await openBrokenDevice();
    await using rig = await startFaultRig({
      upstreamPort: upstream.port,
      config: { log: { level: 'info', format: 'json', access: device.path } },
    });
    const { gateway } = rig;
    await using caller = await startSteadyCaller({ ...gateway, perSecond: PER_SECOND });
    expect(gateway.complaints).toBe('');
    await device.breakDown();
    figures['calls on a broken log device, none failed'] = await undisturbed(caller);
    expect(gateway.complaints.split('\n').filter((line) => line.includes('EIO'))).toHaveLength(1);
    controls.push('before it broke the device was written to without a complaint');
    await caller.stop();
    expect(await gateway.stop()).toBe(0);
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({
      id: 'T37',
      title: 'full and broken disks',
      cases: 3,
      failures,
      figures,
      control: controls.join('; '),
    });
  });
});

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
