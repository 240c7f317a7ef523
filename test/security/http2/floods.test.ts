import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate } from '../../support/certificates.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { startLoadClient, type LoadClient } from '../../support/load-client.ts';
import { readCpuSeconds, readResidentBytes } from '../../support/process-meter.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { startAttacker, type Attacker } from './attacker.ts';
import { toEngineScenario } from './executable-engine.ts';
import { floodScenarios, type FloodScenario } from './flood-scenarios.ts';
import { startLenientFront } from './lenient-front.ts';

const mebibyte = 1024 * 1024;
const MOST_STREAMS = 100;
const MOST_CPU_SECONDS = 0.5;
const MOST_GROWTH = 32 * mebibyte;
/** "Uses 100 times the processor time of its attacker" is where a cost becomes a vulnerability (Envoy's threat model). */
const MOST_CPU_RATIO = 100;
/** Processor time is told in hundredths of a second, and a garbage collection takes several; below this a ratio says nothing. */
const CPU_RESOLUTION = 0.1;
const STEADY_CALLS_PER_SECOND = 20;

interface Cost {
  readonly scenario: FloodScenario;
  readonly count: number;
  readonly endedAfter: number | undefined;
  readonly attackerCpu: number;
  readonly gatewayCpu: number;
  /** Growth of the gateway's resident memory at its highest, in bytes. */
  readonly growth: number;
  /** Streams of the flood that the upstream has seen. */
  readonly streams: number;
}

function isGet({ head }: { readonly head: string }): boolean {
  return head.startsWith('GET ');
}

describe(`http2-floods (A4): ${floodScenarios.length} scenarios in three sizes`, () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  let attacker: Attacker;
  let others: LoadClient;
  const costs: Cost[] = [];
  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{}'));
    gateway = await startGatewayProcess({ upstreamPort: upstream.port });
    attacker = await startAttacker();
    const { port, ca } = gateway;
    others = await startLoadClient({ port, ca, callsPerSecond: STEADY_CALLS_PER_SECOND, freshShare: 0.1 });
  });
  afterAll(async () => {
    await attacker[Symbol.asyncDispose]();
    await others[Symbol.asyncDispose]();
    await gateway.clean();
    await upstream.stop();
  });

  const flood = async (scenario: FloodScenario, count: number): Promise<Cost> => {
    const { pid, port, ca } = gateway;
    // Garbage of the flood before is not the cost of this one.
    await gateway.measureHeap();
    upstream.forget();
    const cpu = readCpuSeconds(pid);
    const resident = readResidentBytes(pid);
    let highest = resident;
    const meter = setInterval(() => (highest = Math.max(highest, readResidentBytes(pid))), 20);
    const { endedAfter, cpuSeconds } = await attacker
      .flood({ port, ca, scenario: scenario.name, count })
      .finally(() => clearInterval(meter));
    // The steady client posts, so what is left are the streams of the attacker, and those of posts that never ended.
    const streams = upstream.requests.filter((request) => isGet(request) || request.body === '{').length;
    return {
      scenario,
      count,
      endedAfter,
      attackerCpu: cpuSeconds,
      gatewayCpu: readCpuSeconds(pid) - cpu,
      growth: highest - resident,
      streams,
    };
  };

  const sized = floodScenarios
    .map(toEngineScenario)
    .flatMap((scenario) => scenario.sizes.map((count) => [scenario.name, count, scenario] as const));
  it.each(sized)('%s, %d times', async (_name, count, scenario) => {
    const cost = await flood(scenario, count);
    costs.push(cost);
    if (scenario.endedBy === 'session') expect(cost.endedAfter).toBeDefined();
    expect(cost.streams).toBeLessThanOrEqual(MOST_STREAMS);
    expect(cost.gatewayCpu).toBeLessThan(MOST_CPU_SECONDS);
    expect(cost.gatewayCpu).toBeLessThanOrEqual(MOST_CPU_RATIO * cost.attackerCpu + CPU_RESOLUTION);
    expect(cost.growth).toBeLessThan(MOST_GROWTH);
    expect(gateway.complaints).toBe('');
  });

  it('meanwhile the calls of others go on', async () => {
    const report = await others.stop();
    expect(report.failures).toEqual({});
    expect(report.calls).toBeGreaterThan(sized.length);
    expect(report.max).toBeLessThan(1000);
    const { missed, streams } = await runControls(attacker);
    expect(missed).toEqual([]);
    expect(streams).toBeGreaterThan(MOST_STREAMS);
    const most = (read: (cost: Cost) => number): number => Math.max(...costs.map(read));
    recordEvidence({
      id: 'T25-floods',
      title: 'HTTP/2 floods',
      cases: sized.length,
      failures: sized.length - costs.filter(isHarmless).length,
      figures: {
        'slowest end of a session': `${Math.round(most(({ endedAfter }) => endedAfter ?? 0))} ms`,
        'most streams at the upstream': most(({ streams: seen }) => seen),
        'most processor time of one flood': `${most(({ gatewayCpu }) => gatewayCpu).toFixed(2)} s`,
        'most memory': `+${(most(({ growth }) => growth) / mebibyte).toFixed(1)} MiB`,
        'calls of others': report.calls,
        'their p99': `${Math.round(report.p99)} ms`,
      },
      control: `a front that takes everything ended none of the sessions; Node's own server let ${streams} streams of 5,000 in a rapid reset reach the application`,
    });
  });
});

function isHarmless({ scenario, endedAfter, streams, gatewayCpu, growth }: Cost): boolean {
  const isOver = scenario.endedBy === 'bounds' || endedAfter !== undefined;
  return isOver && streams <= MOST_STREAMS && gatewayCpu < MOST_CPU_SECONDS && growth < MOST_GROWTH;
}

/** The same floods against servers that are open to them: `missed` are those that ended nonetheless. */
async function runControls(attacker: Attacker): Promise<{ missed: readonly string[]; streams: number }> {
  const upstream = await startScriptedUpstream(answerJson('{}'));
  await using front = await startLenientFront(upstream.port);
  const missed: string[] = [];
  for (const { name, sizes, endedBy } of floodScenarios) {
    if (endedBy === 'bounds') continue;
    const { endedAfter } = await attacker.flood({
      port: front.port,
      ca: front.ca,
      scenario: name,
      count: sizes[0],
    });
    if (endedAfter !== undefined) missed.push(name);
  }
  await upstream.stop();

  const { cert, key } = await createTestCertificate();
  const server = createSecureServer({ cert, key });
  let streams = 0;
  server.on('stream', (stream) => {
    streams++;
    stream.on('error', () => stream.destroy());
  });
  server.on('session', (session) => void session.on('error', () => session.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  await attacker.flood({ port, ca: cert, scenario: floodScenarios[0]?.name ?? '', count: 5000 });
  server.close();
  return { missed, streams };
}
