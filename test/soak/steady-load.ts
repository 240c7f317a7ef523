import type { LoopDelay } from '../support/gateway-process.ts';
import {
  countSockets,
  fitTrend,
  readResidentBytes,
  type Sample,
  type Trend,
} from '../support/process-meter.ts';
import { startSteadyCaller } from '../support/steady-caller.ts';
import type { CallReport } from '../support/steady-caller-protocol.ts';
import type { FleetReport } from '../support/stream-fleet-protocol.ts';
import { startSoakRig, type SoakRig } from './soak-rig.ts';
import { until } from '../support/until.ts';

const WARM_UP_STREAMS = 100;

export interface SteadyLoad {
  readonly streams: number;
  readonly callsPerSecond: number;
  /** Milliseconds, from when all streams are open. */
  readonly duration: number;
  /** Milliseconds between two looks at the memory. */
  readonly lookEvery: number;
  /** Milliseconds at the beginning whose looks do not count: engine and allocator still settle. */
  readonly settling: number;
  /** Milliseconds between two events, each to all streams. */
  readonly sendEvery: number;
  /** Called once the load runs. */
  readonly disturb?: (rig: SoakRig) => Promise<void>;
}

export interface SteadyOutcome {
  /** Resident bytes for each stream. */
  readonly bytesPerStream: number;
  /** Resident bytes, read after a garbage collection where the gateway can be asked for one. */
  readonly resident: Trend;
  /** Resident bytes at each look, those while it settled included. */
  readonly looks: readonly number[];
  readonly calls: CallReport;
  readonly loop: LoopDelay | undefined;
  readonly fleet: FleetReport;
  /** Events that should have arrived, over all streams. */
  readonly sent: number;
  /** Sockets above those before the load, at most 5 s after all clients left. */
  readonly socketsLeft: number;
  readonly exitCode: number;
  readonly complaints: string;
}

/** Holds streams and makes calls for a time, and tells what came of it. */
export async function runSteadyLoad(load: SteadyLoad): Promise<SteadyOutcome> {
  await using rig = await startSoakRig(load);
  const { gateway, fleet, source } = rig;
  const { port, ca, pid } = gateway;
  const sockets = countSockets(pid);
  const look = async (): Promise<number> => {
    await gateway.measureHeap();
    return readResidentBytes(pid);
  };
  const send = async (): Promise<void> => void (await source.tell({ kind: 'send' }));

  await using caller = await startSteadyCaller({ port, ca, perSecond: load.callsPerSecond });
  // Code, caches and pools are there before the streams are weighed.
  await openAll(rig, WARM_UP_STREAMS);
  await send();
  await fleet.leave('end');
  await until(async () => (await source.tell({ kind: 'report' })).streams === 0);
  await fleet.forget();
  const residentBefore = await look();
  await openAll(rig, load.streams);
  const bytesPerStream = ((await look()) - residentBefore) / load.streams;

  const { next: first } = await source.tell({ kind: 'report' });
  await caller.report();
  await gateway.measureLoopDelay();
  const looks: Sample[] = [];
  const settledAt = performance.now() + load.settling;
  await Promise.all([
    repeat(load.lookEvery, load.duration, async () => {
      const value = await look();
      looks.push({ at: performance.now(), value });
    }),
    repeat(load.sendEvery, load.duration, send),
    load.disturb?.(rig),
  ]);
  const calls = await caller.stop();
  const loop = await gateway.measureLoopDelay();
  const { next } = await source.tell({ kind: 'report' });
  const sent = (next - first) * load.streams;
  // The last event is on its way for a moment.
  await until(async () => (await fleet.report()).events >= sent);
  const report = await fleet.report();

  await caller[Symbol.asyncDispose]();
  await fleet.leave('end');
  await until(() => countSockets(pid) <= sockets);
  const socketsLeft = countSockets(pid) - sockets;
  const exitCode = await gateway.stop();
  const { complaints } = gateway;
  return {
    bytesPerStream,
    resident: fitTrend(looks.filter(({ at }) => at >= settledAt)),
    looks: looks.map(({ value }) => value),
    calls,
    loop,
    fleet: report,
    sent,
    socketsLeft,
    exitCode,
    complaints,
  };
}

async function openAll(rig: SoakRig, streams: number): Promise<void> {
  const failures = await rig.open(streams);
  if (failures.length > 0) throw new Error(`streams did not open: ${failures.join(', ')}`);
}

/** Does something again and again, at a steady pace, for a time; resolves when the time is over. */
function repeat(interval: number, duration: number, task: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let running: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      running = running.then(task);
    }, interval);
    setTimeout(() => {
      clearInterval(timer);
      running.then(resolve, reject);
    }, duration);
  });
}
