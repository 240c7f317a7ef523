import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswers } from '../check-answer.ts';
import { createCpuQuota, type CpuQuota } from '../cpu-quota.ts';
import { launchPeer, type RunningPeer } from '../launch.ts';
import { createH1Load } from '../load.ts';
import type { Peer } from '../peer.ts';
import { listTree, readCoreSeconds, readCpuSeconds } from '../process-tree.ts';
import { hasEnded, loadCore, proxyCore, stop } from '../programs.ts';
import type { Row, RowContext } from '../row.ts';
import type { Figures } from '../statistics.ts';
import { startCallUpstream } from '../upstreams/call-upstream.ts';
import { toWarmUpSeconds } from '../warm-up.ts';

const CONNECTIONS = 64;
/** Of a core, for each worker: what is left of both is enough for the load and the upstream. */
const SHARE = 0.35;
/** Of the core of the load: above it the load may have been what limits. */
const BUSIEST_LOAD = 0.95;
/** Of its quota: below it something else than the quota was the limit. */
const LEAST_USED = 0.9;
const START_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 20;

interface Run {
  readonly running: RunningPeer;
  readonly quotas: readonly CpuQuota[];
  /** The processes that carry traffic. */
  readonly workers: readonly number[];
}

interface Measured {
  readonly perSecond: number;
  readonly cpuPerThousand: number;
  /** Of what the workers took together, what the busiest of them took. */
  readonly busiest: number;
  /** Of its quota, what the worker that used least of it used. */
  readonly used: number;
  readonly loadCore: number;
}

/**
 * Calls a second with two workers, by those with one. Each worker is on a core of its own and may have a share of it, so that two cores
 * hold the workers, the clients and the upstream: the quota is the limit, not the load, which is checked. A worker does more on the core
 * that is awake with the load than on the one that it has for itself, so the one worker is measured on each of both, and the mean counts.
 */
export const workers: Row = {
  id: 'workers',
  title: `call over HTTP/1.1 with two workers, ${CONNECTIONS} connections, each worker with ${SHARE} of a core`,
  unit: 'times the calls/s of one worker',
  headline: 'two / one',
  isMoreBetter: true,
  only: ['breakwater'],
  async open(context) {
    const directory = join(context.directory, 'workers');
    mkdirSync(directory, { recursive: true });
    const upstream = await startCallUpstream(directory);
    const load = createH1Load(directory);
    const runs = new Map<number, Run>();
    let round = 0;
    const measure = (count: number, firstCore: number): Measured => {
      const run = runs.get(count);
      if (run === undefined) throw new Error('it was not started');
      if (hasEnded(run.running.process)) throw new Error(`it ended: ${run.running.readOutput()}`);
      pin(run.workers, firstCore);
      const { seconds } = context;
      const answer = (): number => load(run.running.endpoint, { connections: CONNECTIONS, seconds });
      return measureRun(run, { seconds, answer });
    };
    return {
      async admit(peer) {
        for (const count of [1, 2]) {
          const run = await start(peer, { count, context, directory, upstreamPort: upstream.port });
          runs.set(count, run);
          await checkAnswers(run.running, {
            kinds: ['echo'],
            overH2: false,
            isSecured: false,
            upstreamPort: upstream.port,
          });
          load(run.running.endpoint, { connections: CONNECTIONS, seconds: toWarmUpSeconds(context) });
          run.quotas.forEach((quota, index) => quota.take(run.workers[index] ?? 0));
        }
      },
      measure() {
        const runsOfRound = [
          { count: 1, core: proxyCore },
          { count: 2, core: proxyCore },
          { count: 1, core: loadCore },
        ];
        if (round++ % 2 === 1) runsOfRound.reverse();
        const measured = runsOfRound.map(({ count, core }) => ({ count, ...measure(count, core) }));
        const ones = measured.filter(({ count }) => count === 1);
        const two = measured.find(({ count }) => count === 2);
        if (two === undefined) throw new Error('unreachable: it was measured');
        const one = toMean(ones);
        if (!context.isQuick) refuseOtherLimits(one, two);
        return Promise.resolve(toWorkerFigures(one, two));
      },
      async close() {
        for (const { running, quotas } of runs.values()) {
          await stop(running.process);
          for (const quota of quotas) await quota.remove();
        }
        await stop(upstream.process);
      },
    };
  },
};

/** Throws when something else than the quota of the workers was the limit: the load, or whatever else runs on this machine. */
export function refuseOtherLimits(one: Measured, two: Measured): void {
  const used = Math.min(one.used, two.used);
  if (used < LEAST_USED)
    throw new Error(`a worker used ${toPercent(used)} % of its quota: something else was the limit`);
  const busy = Math.max(one.loadCore, two.loadCore);
  if (busy > BUSIEST_LOAD)
    throw new Error(`the core of the load was busy for ${toPercent(busy)} %: it may have been the limit`);
}

/** The figures of a round. */
export function toWorkerFigures(one: Measured, two: Measured): Figures {
  return {
    'two / one': round2(two.perSecond / one.perSecond),
    'one worker, calls/s': Math.round(one.perSecond),
    'two workers, calls/s': Math.round(two.perSecond),
    'one worker, CPU ms per 1,000 calls': round2(one.cpuPerThousand),
    'two workers and supervisor, CPU ms per 1,000 calls': round2(two.cpuPerThousand),
    'share of the busier worker, %': toPercent(two.busiest),
    'quota used, %': toPercent(Math.min(one.used, two.used)),
    'core of the load busy, %': toPercent(Math.max(one.loadCore, two.loadCore)),
  };
}

async function start(
  peer: Peer,
  options: {
    readonly count: number;
    readonly context: RowContext;
    readonly directory: string;
    readonly upstreamPort: number;
  },
): Promise<Run> {
  const { count, context, directory, upstreamPort } = options;
  const running = await launchPeer(peer, { ...context, directory, upstreamPort, workers: count });
  // The URL is printed once all workers serve: the connections of the load are to be spread over all.
  const deadline = performance.now() + START_MILLISECONDS;
  while (!running.readOutput().includes('\nhttps://')) {
    if (performance.now() > deadline) throw new Error(`did not start: ${running.readOutput()}`);
    await sleep(POLL_MILLISECONDS);
  }
  const [root = 0, ...children] = listTree(running.process.pid ?? 0);
  const pids = count === 1 ? [root] : children;
  if (pids.length !== count) throw new Error(`${pids.length} processes where ${count} workers were wanted`);
  pin(pids, proxyCore);
  const quotas = pids.map((pid) => createCpuQuota(`breakwater-bench-${pid}`, SHARE));
  return { running, quotas, workers: pids };
}

/** Each to a core of its own, the first to this one. */
function pin(pids: readonly number[], firstCore: number): void {
  const otherCore = firstCore === proxyCore ? loadCore : proxyCore;
  pids.forEach((pid, index) => {
    const core = index % 2 === 0 ? firstCore : otherCore;
    spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
  });
}

/** Of the same worker at different times; the worst of what the run is judged by. */
function toMean(all: readonly Measured[]): Measured {
  const mean = (read: (one: Measured) => number): number =>
    all.reduce((sum, one) => sum + read(one), 0) / all.length;
  return {
    perSecond: mean(({ perSecond }) => perSecond),
    cpuPerThousand: mean(({ cpuPerThousand }) => cpuPerThousand),
    busiest: 1,
    used: Math.min(...all.map(({ used }) => used)),
    loadCore: Math.max(...all.map(({ loadCore: busy }) => busy)),
  };
}

function measureRun(
  { running, workers: pids }: Run,
  { seconds, answer }: { readonly seconds: number; readonly answer: () => number },
): Measured {
  const root = running.process.pid ?? 0;
  const read = (): { tree: number; each: number[]; core: { busy: number; all: number } } => ({
    tree: readCpuSeconds(root),
    each: pids.map(readCpuSeconds),
    core: readCoreSeconds(loadCore),
  });
  const before = read();
  const answers = answer();
  const after = read();
  const each = after.each.map((value, index) => value - (before.each[index] ?? 0));
  return {
    perSecond: answers / seconds,
    cpuPerThousand: ((after.tree - before.tree) * 1e6) / answers,
    busiest: Math.max(...each) / each.reduce((sum, value) => sum + value, 0),
    used: Math.min(...each) / (seconds * SHARE),
    loadCore: (after.core.busy - before.core.busy) / (after.core.all - before.core.all),
  };
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function toPercent(share: number): number {
  return Math.round(share * 100);
}
