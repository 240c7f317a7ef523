import { describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { readCpuSeconds } from '../support/process-meter.ts';
import { startSteadyCaller } from '../support/steady-caller.ts';
import { countLines, expectWithin, formatBounds, listBroken, type Bounds } from './bounds.ts';
import { startSoakRig, type SoakRig } from './soak-rig.ts';
import { until } from '../support/until.ts';

const SECOND = 1000;
const streams = isFullRun ? 5000 : 500;
const CALLS_PER_SECOND = 50;

interface Herd {
  /** Milliseconds from the first connection until the last stream was open. */
  readonly took: number;
  readonly failures: readonly string[];
}

/** All clients come at the same moment. */
async function stampede(rig: SoakRig): Promise<Herd> {
  const { port, ca } = rig.gateway;
  const startedAt = performance.now();
  const { failures } = await rig.fleet.open({ port, ca, streams, atOnce: streams });
  return { took: performance.now() - startedAt, failures };
}

describe(`${streams} streams that all come back at the moment of a restart`, () => {
  it('are back within a minute, and calls go on meanwhile', { timeout: 300 * SECOND }, async () => {
    await using rig = await startSoakRig({ streams });
    expect(await rig.open(streams)).toEqual([]);
    const exitCode = await rig.restart();
    await until(async () => (await rig.fleet.report()).running === 0);
    const ends = (await rig.fleet.report()).dropped;
    await rig.fleet.forget();

    const { port, ca, pid } = rig.gateway;
    await using caller = await startSteadyCaller({ port, ca, perSecond: CALLS_PER_SECOND });
    await caller.report();
    const busyBefore = readCpuSeconds(pid);
    const { took, failures } = await stampede(rig);
    const busy = readCpuSeconds(pid) - busyBefore;
    const calls = await caller.stop();
    await rig.source.tell({ kind: 'send' });
    await until(async () => (await rig.fleet.report()).events >= streams);
    const fleet = await rig.fleet.report();

    const bounds: Bounds = {
      'all streams back after': { value: took / SECOND, below: 60, unit: 's' },
      'call p99 meanwhile': { value: calls.p99, below: 1000, unit: 'ms' },
    };
    const failedCalls = Object.values(calls.failures).reduce((sum, count) => sum + count, 0);
    const missing = streams - fleet.running;
    const complaints = countLines(rig.gateway.complaints);
    recordEvidence({
      id: 'T33',
      title: `Thundering herd: ${streams} streams come back at once after a restart`,
      cases: streams,
      failures: missing + failedCalls + complaints + listBroken(bounds).length,
      figures: {
        'streams that were refused or timed out': missing,
        'calls failed': failedCalls,
        'complaints of the gateway': complaints,
        ...formatBounds(bounds),
        'longest call': `${calls.longest} ms`,
        'processor time of the gateway': `${busy.toFixed(1)} s`,
      },
      control: 'with room for half of the streams only, the others are missed',
    });
    expect(exitCode).toBe(0);
    expect(ends).toEqual({ 'the answer ended': streams });
    expect(failures).toEqual([]);
    expect(calls.failures).toEqual({});
    expect(fleet).toMatchObject({ running: streams, events: streams, dropped: {} });
    expectWithin(bounds);
    expect(rig.gateway.complaints).toBe('');
  });

  it(
    'control: with room for half of them only, the others are missed',
    { timeout: 300 * SECOND },
    async () => {
      await using rig = await startSoakRig({ streams, limits: { connections: streams / 2 } });
      const { failures } = await stampede(rig);
      expect(failures.length).toBeGreaterThan(0);
      expect((await rig.fleet.report()).running).toBeLessThanOrEqual(streams / 2);
    },
  );
});
