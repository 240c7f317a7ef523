import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startAskedProcess } from '../support/asked-process.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { buildGet } from '../support/messages.ts';
import { readResidentBytes } from '../support/process-meter.ts';
import { connectRaw } from '../support/raw-client.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { percentile } from '../support/percentile.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';
import { TIMED_SESSION, type FloodQuestion, type FloodState } from './flood-source-protocol.ts';
import { startNaiveProxy } from './naive-proxy.ts';
import { watchProgress } from './socket-progress.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
/**
 * With some hundred streams the system runs short of memory for its own buffers, and shifts bytes between them as long as
 * it does: each such shift is progress. What is measured of a single stream is therefore measured with fewer.
 */
const fleets = isFullRun ? [100, 1000] : [100];
const UNDISTURBED = 100;
const STALL = 30;
/** How many times the time-out such shifts may put off the last cut. */
const LONGEST_WAIT = 6;
const SAMPLE_MILLISECONDS = 250;
const BUFFER_LIMIT = 256 * KIB;

const program = new URL('flood-source-process.ts', import.meta.url);

/** Collects how late the events of the timed stream are, in milliseconds. */
async function listen(door: { port: number; ca: string }): Promise<{ delays: number[]; stop(): void }> {
  const client = await connectRaw({ ...door, localAddress: '127.0.0.1' });
  const delays: number[] = [];
  client.socket.on('data', (bytes: Buffer) => {
    const now = performance.timeOrigin + performance.now();
    for (const [, sent] of bytes.toString('latin1').matchAll(/data: (\d+\.?\d*)\n/g))
      delays.push(now - Number(sent));
    client.clear();
  });
  client.send(buildGet({ fields: `Mcp-Session-Id: ${TIMED_SESSION}\r\n` }));
  await until(() => delays.length > 10, 5 * SECOND);
  return { delays, stop: () => client.socket.destroy() };
}

describe('slow-readers (T10)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it.each(fleets)(
    '%i clients that never read are bounded, cut in time, and delay nobody',
    async (clients) => {
      await using source = await startAskedProcess<FloodQuestion, FloodState>(program);
      const { port } = await source.ask({ kind: 'report' });
      await using rig = await startFaultRig({ upstreamPort: port, timeouts: { stall: `${STALL}s` } });
      await using fleet = await startStreamFleet();
      const { gateway } = rig;
      // What delays the events is to be the gateway, not another program on this machine.
      for (const pid of [gateway.pid, source.pid, process.pid]) setPriority(pid, -10);
      const timed = await listen(gateway);
      const heap = await gateway.measureHeap();
      const resident = readResidentBytes(gateway.pid);
      let peak = resident;
      const sampling = setInterval(
        () => (peak = Math.max(peak, readResidentBytes(gateway.pid))),
        SAMPLE_MILLISECONDS,
      );
      const opened = await fleet.open({
        port: gateway.port,
        ca: gateway.ca,
        streams: clients,
        stalled: true,
      });
      expect(opened).toMatchObject({ opened: clients, failures: [] });
      // Half of the time-out later all buffers on the way are full.
      const watching = watchProgress(gateway.port);
      await sleep((STALL / 2) * SECOND);
      const perStream = ((await gateway.measureHeap()) - heap) / clients;
      await until(
        async () => (await source.ask({ kind: 'report' })).open === 0,
        LONGEST_WAIT * STALL * SECOND,
      );
      clearInterval(sampling);
      const stalls = await watching.stop();
      timed.stop();
      expect(stalls).toHaveLength(clients);
      cases += clients;
      figures[`${clients} clients: buffer per stream`] = `${(perStream / KIB).toFixed(0)} KiB`;
      figures[`${clients} clients: resident growth`] = `${((peak - resident) / MIB).toFixed(0)} MiB`;
      figures[`${clients} clients: cut after`] =
        `${(percentile(stalls, 0) / SECOND).toFixed(1)} to ${(percentile(stalls, 1) / SECOND).toFixed(1)} s`;
      figures[`${clients} clients: healthy stream p99`] = `${percentile(timed.delays, 0.99).toFixed(0)} ms`;
      // What the executable holds shows in its resident memory alone, together with the runtime's own reserves.
      if (!isExecutable) expect(perStream).toBeLessThan(BUFFER_LIMIT);
      expect(peak - resident).toBeLessThan(400 * MIB);
      if (clients <= UNDISTURBED) {
        expect(percentile(stalls, 0)).toBeGreaterThan((STALL - 5) * SECOND);
        expect(percentile(stalls, 1)).toBeLessThan((STALL + 5) * SECOND);
      }
      expect(timed.delays.length).toBeGreaterThan(1000);
      expect(percentile(timed.delays, 0.99)).toBeLessThan(200);
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    },
    300_000,
  );

  it('control: a proxy without back-pressure holds more for each of them from second to second', async () => {
    await using source = await startAskedProcess<FloodQuestion, FloodState>(program);
    const { port } = await source.ask({ kind: 'report' });
    await using proxy = await startNaiveProxy(port);
    await using fleet = await startStreamFleet();
    const readers = 5;
    await fleet.open({ port: proxy.port, ca: proxy.ca, streams: readers, stalled: true });
    await until(() => proxy.held > 8 * readers * BUFFER_LIMIT, 10 * SECOND);
    expect(proxy.held / readers).toBeGreaterThan(8 * BUFFER_LIMIT);
    control = `back-pressure off: ${(proxy.held / readers / MIB).toFixed(0)} MiB held per stream`;
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T10', title: 'slow readers', cases, failures, figures, control });
  });
});
