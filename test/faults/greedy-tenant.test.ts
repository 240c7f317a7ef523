import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startAskedProcess } from '../support/asked-process.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { buildKeys } from '../support/keys.ts';
import { startLoadClient } from '../support/load-client.ts';
import type { LoadReport } from '../support/load-client-protocol.ts';
import {
  answerJson,
  startScriptedUpstream,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';
import type { GreedyCommand, GreedyReport } from './greedy-tenant-protocol.ts';

const QUOTA = 25;
const GREED = 100;
/** Tenants that stay below their quota, each with so many calls a second. */
const QUIET = 4;
const QUIET_CALLS = 20;
const PHASE_MILLISECONDS = isFullRun ? 60_000 : 10_000;
const CONTROL_MILLISECONDS = 3000;
/** What the server behind can do: so many calls at a time, and how long each takes. */
const WORKERS = 8;
const WORK_MILLISECONDS = 20;

const program = new URL('greedy-tenant-process.ts', import.meta.url);
const tenants = Array.from({ length: QUIET + 1 }, (_none, index) => buildKeys(`tenant-${index}`));
const [greedy, ...quiet] = tenants.map(({ key }) => `Authorization: Bearer ${key}\r\n`);
const keys = tenants.map(({ sha256 }, index) => ({ name: `tenant-${index}`, sha256 }));

/** What makes the others wait is to be the gateway, not a client that is greedy for this machine. Their client inherits it. */
function prefer({ pid }: GatewayProcess): void {
  for (const each of [pid, process.pid]) setPriority(each, -10);
}

/** A server with few workers, so that whoever asks for much takes from the others. */
function startWorkers(): Promise<ScriptedUpstream> {
  const answer = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');
  const waiting: ReceivedRequest[] = [];
  let busy = 0;
  const work = (request: ReceivedRequest): void => {
    busy++;
    setTimeout(() => {
      if (request.socket.writable) answer(request);
      busy--;
      const next = waiting.shift();
      if (next !== undefined) work(next);
    }, WORK_MILLISECONDS);
  };
  return startScriptedUpstream((request) => {
    if (busy < WORKERS) work(request);
    else waiting.push(request);
  });
}

function toOptions(upstreamPort: number, rates: readonly object[]) {
  return {
    upstreamPort,
    config: {
      routes: [{ path: '/mcp', upstream: `http://127.0.0.1:${upstreamPort}/mcp`, auth: { keys } }],
    },
    limits: { rates },
  };
}

async function measureQuiet({ port, ca }: GatewayProcess, milliseconds: number): Promise<LoadReport> {
  const callsPerSecond = QUIET * QUIET_CALLS;
  await using client = await startLoadClient({ port, ca, callsPerSecond, freshShare: 0, fields: quiet });
  await sleep(milliseconds);
  // Awaited here, before the client is disposed of.
  return await client.stop();
}

/** The quiet tenants beside a greedy one, and what that one got. */
async function measureBeside(
  gateway: GatewayProcess,
  milliseconds: number,
): Promise<{ readonly report: LoadReport; readonly greed: GreedyReport }> {
  await using tenant = await startAskedProcess<GreedyCommand, GreedyReport>(program);
  const { port, ca } = gateway;
  setPriority(tenant.pid, 10);
  await tenant.ask({ kind: 'start', port, ca, fields: greedy ?? '', perSecond: GREED * QUOTA });
  const report = await measureQuiet(gateway, milliseconds);
  return { report, greed: await tenant.ask({ kind: 'stop' }) };
}

describe('attack: one tenant at 100 times its quota (T36)', () => {
  const figures: Record<string, string | number> = {};
  let cases = 0;
  let failures = 0;
  let control = '';

  const timeout = 2 * PHASE_MILLISECONDS + 60_000;
  it('takes no time and no call from the others, and is told when to come again', { timeout }, async () => {
    await using upstream = toDisposable(await startWorkers());
    await using rig = await startFaultRig(
      toOptions(upstream.port, [{ per: 'principal', requests: QUOTA, within: '1s' }]),
    );
    prefer(rig.gateway);
    const alone = await measureQuiet(rig.gateway, PHASE_MILLISECONDS);
    const { report, greed } = await measureBeside(rig.gateway, PHASE_MILLISECONDS);
    cases = report.calls;
    figures['quiet p99 alone'] = `${alone.p99.toFixed(1)} ms`;
    figures['quiet p99 beside it'] = `${report.p99.toFixed(1)} ms`;
    figures['greedy calls a second'] = greed.perSecond.toFixed(0);
    figures['greedy calls admitted'] = greed.admitted;
    figures['greedy calls refused'] = greed.refused;
    expect([alone.failures, report.failures, greed.other]).toEqual([{}, {}, {}]);
    expect(report.p99).toBeLessThanOrEqual(2 * alone.p99);
    // It did ask for that much, and got its quota: a full bucket, and what comes in while the client of the others starts, too.
    expect(greed.perSecond).toBeGreaterThan(0.8 * GREED * QUOTA);
    const seconds = (greed.admitted + greed.refused) / greed.perSecond;
    expect(greed.admitted).toBeLessThanOrEqual(QUOTA * (seconds + 2));
    expect(greed.admitted).toBeGreaterThan(0.8 * QUOTA * seconds);
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('control: without quotas it makes the others wait', async () => {
    await using upstream = toDisposable(await startWorkers());
    await using rig = await startFaultRig(toOptions(upstream.port, []));
    prefer(rig.gateway);
    const alone = await measureQuiet(rig.gateway, CONTROL_MILLISECONDS);
    const { report } = await measureBeside(rig.gateway, CONTROL_MILLISECONDS);
    control = `without quotas the p99 of the others goes from ${alone.p99.toFixed(0)} to ${report.p99.toFixed(0)} ms`;
    expect(report.p99).toBeGreaterThan(2 * alone.p99);
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T36', title: 'tenants beside each other', cases, failures, figures, control });
  });
});

function toDisposable(upstream: ScriptedUpstream): AsyncDisposable & { readonly port: number } {
  return { port: upstream.port, [Symbol.asyncDispose]: () => upstream.stop() };
}
