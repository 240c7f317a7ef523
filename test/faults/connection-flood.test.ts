import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readAnswers } from '../support/answers.ts';
import { recordEvidence } from '../support/evidence.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { createTranslatedNetwork } from '../support/network-namespace.ts';
import { countDescriptors, readCpuSeconds } from '../support/process-meter.ts';
import { connectRaw } from '../support/raw-client.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { startCall } from './calls.ts';
import { startDistantClient } from './distant-client.ts';
import { until } from '../support/until.ts';
import { percentile } from '../support/percentile.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';

const run = promisify(execFile);
const SECOND = 1000;
const LIMIT = 500;
const STREAMS = 100;
const PATIENCE = 500;
/** Connections under the limit that are kept for the machine's own. */
const OWN = 8;

interface Events extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  /** Sends the next number on every stream. */
  send(): void;
  readonly sent: number;
}

async function startEvents(): Promise<Events> {
  const streams = new Set<{ write(text: string): unknown }>();
  let sent = 0;
  const upstream = await startScriptedUpstream(({ head, socket }) => {
    if (head.startsWith('GET ')) {
      socket.write(eventStreamHead);
      streams.add(socket);
      socket.on('close', () => streams.delete(socket));
    } else {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    }
  });
  return {
    upstream,
    get sent() {
      return sent;
    },
    send() {
      for (const socket of streams) socket.write(toChunk(`data: ${sent}\n\n`));
      sent++;
    },
    [Symbol.asyncDispose]: () => upstream.stop(),
  };
}

function openHouse({ upstream }: Events): Record<string, unknown> {
  const routes = [{ path: '/mcp', upstream: `http://127.0.0.1:${upstream.port}/mcp` }];
  return { listen: '0.0.0.0:0', danger_allow_public: true, routes };
}

/** The status of the health path, asked on a new connection from this machine; 0 when there is none. */
async function askHealth({ port, ca }: GatewayProcess): Promise<number> {
  try {
    const client = await connectRaw({ port, ca });
    client.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    return readAnswers(await client.closed())[0]?.status ?? 0;
  } catch {
    return 0;
  }
}

async function callStatus(gateway: GatewayProcess): Promise<number> {
  try {
    const call = await startCall(gateway, { protocol: 'h1', era: 'legacy', id: 'call' });
    return (await call.outcome).status;
  } catch {
    return 0;
  }
}

/** Milliseconds until a call is answered. That a flood's connections are gone reaches the gateway after whoever closed them. */
function untilServed(gateway: GatewayProcess): Promise<number> {
  return until(async () => (await callStatus(gateway)) === 200, 5 * SECOND);
}

describe('connection-flood (T26)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it('of twice the limit loses no stream, is refused at once, and leaves the health path open', async () => {
    await using network = await createTranslatedNetwork();
    await using events = await startEvents();
    await using rig = await startFaultRig({
      upstreamPort: events.upstream.port,
      config: openHouse(events),
      limits: { connections: LIMIT },
    });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    await using distant = startDistantClient(network.client);
    expect(await fleet.open({ port: gateway.port, ca: gateway.ca, streams: STREAMS })).toMatchObject({
      failures: [],
    });
    events.send();
    const { hostAddress: host } = network;
    const flood = { kind: 'flood', host, port: gateway.port, patience: PATIENCE } as const;
    const filling = await distant.tell({ ...flood, connections: LIMIT });
    expect(filling.refused).toHaveLength(STREAMS + OWN);
    const { refused } = await distant.tell({ ...flood, connections: 2 * LIMIT });
    expect(refused).toHaveLength(2 * LIMIT);
    // What is let in stays, so that the gateway is full now: but for its own machine.
    expect(await askHealth(gateway)).toBe(200);
    events.send();
    cases += 3 * LIMIT;
    figures['refused, full'] = `${refused.length} of ${2 * LIMIT}`;
    figures['refusal p99, full'] = `${percentile(refused, 0.99).toFixed(0)} ms`;
    figures['refusal p99, while it fills'] = `${percentile(filling.refused, 0.99).toFixed(0)} ms`;
    expect(percentile(refused, 0.99)).toBeLessThan(100);
    await distant.tell({ kind: 'leave' });
    const far = { port: gateway.port, ca: gateway.ca };
    const recovery = await until(
      async () => (await distant.tell({ kind: 'open', host, ...far, streams: 1 })).open > 0,
      5 * SECOND,
    );
    expect(recovery).toBeLessThan(5 * SECOND);
    figures['recovered after'] = `${recovery.toFixed(0)} ms`;
    events.send();
    const heard = async (): Promise<number> => (await fleet.report()).events;
    await until(async () => (await heard()) === events.sent * STREAMS, SECOND);
    expect(await fleet.report()).toMatchObject({
      running: STREAMS,
      dropped: {},
      events: events.sent * STREAMS,
    });
    await distant.tell({ kind: 'leave' });
    await fleet.leave('end');
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('from one address fills that address alone', async () => {
    await using network = await createTranslatedNetwork();
    await using events = await startEvents();
    await using rig = await startFaultRig({
      upstreamPort: events.upstream.port,
      config: openHouse(events),
      limits: { connections: LIMIT, connections_per_address: 50 },
    });
    await using distant = startDistantClient(network.client);
    const { refused } = await distant.tell({
      kind: 'flood',
      host: network.hostAddress,
      port: rig.gateway.port,
      connections: 2 * LIMIT,
      patience: PATIENCE,
    });
    expect(refused).toHaveLength(2 * LIMIT - 50);
    expect(percentile(refused, 0.99)).toBeLessThan(100);
    expect(await callStatus(rig.gateway)).toBe(200);
    cases += 2 * LIMIT;
    await distant.tell({ kind: 'leave' });
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('with few descriptors is bounded by them, so that streams, calls and health go on', async () => {
    await using events = await startEvents();
    const descriptors = 264;
    const fitting = 100;
    await using rig = await startFaultRig({
      upstreamPort: events.upstream.port,
      wrapper: ['prlimit', `--nofile=${descriptors}:${descriptors}`],
    });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    const streams = fitting - 10;
    expect(await fleet.open({ port: gateway.port, ca: gateway.ca, streams })).toMatchObject({ failures: [] });
    await using flood = startDistantClient([]);
    const { refused } = await flood.tell({
      kind: 'flood',
      host: '127.0.0.1',
      port: gateway.port,
      connections: 2 * fitting,
      patience: PATIENCE,
    });
    expect(refused).toHaveLength(2 * fitting - 10);
    cases += 2 * fitting;
    // Every stream has its upstream connection, and there is room for more than one call.
    expect(countDescriptors(gateway.pid)).toBeLessThan(descriptors - 30);
    await flood.tell({ kind: 'leave' });
    expect(await untilServed(gateway)).toBeLessThan(5 * SECOND);
    events.send();
    await until(async () => (await fleet.report()).events === streams, SECOND);
    expect(await fleet.report()).toMatchObject({ running: streams, dropped: {}, events: streams });
    await fleet.leave('end');
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  // On Bun the listener spins while no descriptor is left; `limits.connections` is fitted to them, so that a flood leaves some.
  it.skipIf(isExecutable)(
    'that finds no descriptor left (EMFILE) neither ends nor spins the gateway',
    async () => {
      await using events = await startEvents();
      await using rig = await startFaultRig({ upstreamPort: events.upstream.port });
      const { gateway } = rig;
      await using fleet = await startStreamFleet();
      await fleet.open({ port: gateway.port, ca: gateway.ca, streams: STREAMS });
      const limit = async (files: number | string): Promise<unknown> =>
        run('prlimit', ['--pid', String(gateway.pid), `--nofile=${files}:`]);
      await limit(countDescriptors(gateway.pid) + 2);
      const cpu = readCpuSeconds(gateway.pid);
      const start = performance.now();
      await using flood = startDistantClient([]);
      const { refused } = await flood.tell({
        kind: 'flood',
        host: '127.0.0.1',
        port: gateway.port,
        connections: 200,
        patience: 2 * SECOND,
      });
      const busy = (readCpuSeconds(gateway.pid) - cpu) / ((performance.now() - start) / SECOND);
      figures['without descriptors: refused'] = `${refused.length} of 200`;
      figures['without descriptors: processor'] = `${(100 * busy).toFixed(0)} %`;
      expect(refused.length).toBeGreaterThanOrEqual(190);
      expect(busy).toBeLessThan(0.5);
      events.send();
      await until(async () => (await fleet.report()).events === STREAMS, SECOND);
      expect(await fleet.report()).toMatchObject({ running: STREAMS, dropped: {}, events: STREAMS });
      await flood.tell({ kind: 'leave' });
      await limit(20_000);
      expect(await untilServed(gateway)).toBeLessThan(5 * SECOND);
      cases += 200;
      await fleet.leave('end');
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    },
  );

  it('control: without the limits the same flood is let in', async () => {
    await using events = await startEvents();
    await using rig = await startFaultRig({ upstreamPort: events.upstream.port });
    await using flood = startDistantClient([]);
    const { refused } = await flood.tell({
      kind: 'flood',
      host: '127.0.0.1',
      port: rig.gateway.port,
      connections: 2 * LIMIT,
      patience: PATIENCE,
    });
    expect(refused).toHaveLength(0);
    control = `limits far away: 0 of ${2 * LIMIT} refused`;
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T26', title: 'connection flood', cases, failures, figures, control });
  });
});
