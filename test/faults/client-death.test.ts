import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { connectH2, type H2Client } from '../support/h2-client.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';
import { startNaiveProxy } from './naive-proxy.ts';
import { losePackets } from './packet-filter.ts';

const SECOND = 1000;
/** Streams go in turn over 127.0.0.2 to 127.0.0.20; those of the last address stay. */
const ADDRESSES = 19;
const VANISHING = 500;
const STREAMS = Math.ceil((VANISHING * ADDRESSES) / (ADDRESSES - 1));
const STAYING = Math.floor(STREAMS / ADDRESSES);
const H2_SESSIONS = 10;

/** The default times take a minute to tell a vanished client. */
const times = isFullRun ? { heartbeat: 15, stall: 30 } : { heartbeat: 5, stall: 10 };
/** The plan's figure: two heartbeats and 30 s. */
const reapLimit = (2 * times.heartbeat + 30) * SECOND;

interface Scene extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly fleet: StreamFleet;
}

/** An upstream that opens a stream for everyone and says nothing on it. */
async function startScene(): Promise<Scene> {
  const upstream = await startScriptedUpstream(({ socket }) => void socket.write(eventStreamHead));
  const fleet = await startStreamFleet();
  return {
    upstream,
    fleet,
    async [Symbol.asyncDispose]() {
      await fleet[Symbol.asyncDispose]();
      await upstream.stop();
    },
  };
}

type Door = Pick<GatewayProcess, 'port' | 'ca'>;

async function openAll({ fleet, upstream }: Scene, door: Door, streams: number): Promise<void> {
  const half = Math.floor(streams / 2);
  for (const [era, count] of [
    ['legacy', half],
    ['modern', streams - half],
  ] as const) {
    expect(await fleet.open({ ...door, streams: count, era })).toMatchObject({ failures: [], opened: count });
  }
  expect(upstream.openSockets).toBe(streams);
}

describe('client-death (T9)', () => {
  const figures: Record<string, string | number> = {};
  const controls: string[] = [];
  let cases = 0;
  let failures = 0;

  it.each([
    ['FIN', 'end'],
    ['RST', 'reset'],
  ] as const)(`of ${VANISHING} streams by %s is told to the upstream within a second`, async (name, by) => {
    await using scene = await startScene();
    await using rig = await startFaultRig({ upstreamPort: scene.upstream.port });
    const { port, ca } = rig.gateway;
    await openAll(scene, { port, ca }, VANISHING);
    const start = performance.now();
    await scene.fleet.leave(by);
    await until(() => scene.upstream.openSockets === 0, 5 * SECOND);
    const waited = performance.now() - start;
    expect(scene.upstream.openSockets).toBe(0);
    expect(waited).toBeLessThan(SECOND);
    figures[`${name}: upstream told after`] = `${waited.toFixed(0)} ms`;
    cases += VANISHING;
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it(
    `of ${VANISHING} streams that vanish is noticed, and the others live on`,
    async () => {
      await using scene = await startScene();
      await using deaf = await startScene();
      const timeouts = { stall: `${times.stall}s`, heartbeat: `${times.heartbeat}s` };
      await using rig = await startFaultRig({ upstreamPort: scene.upstream.port, timeouts });
      // Beside it, in the same minute, one that never sends anything to its clients: the control.
      await using silent = await startFaultRig({
        upstreamPort: deaf.upstream.port,
        timeouts: { ...timeouts, heartbeat: '24d' },
      });
      await openAll(scene, rig.gateway, STREAMS);
      await openAll(deaf, silent.gateway, STREAMS);
      const sessions: H2Client[] = [];
      for (let number = 0; number < H2_SESSIONS; number++) {
        const client = await connectH2(rig.gateway);
        sessions.push(client);
        await client.get().head;
      }
      const before = scene.upstream.openSockets;
      const clients = ['127.0.0.1', '127.0.0.19'] as const;
      await using _lost = await losePackets({ port: rig.gateway.port, clients });
      await using _control = await losePackets({ port: silent.gateway.port, clients });
      const limit = reapLimit + SECOND;
      const waited = await until(() => scene.upstream.openSockets <= STAYING, limit);
      // Beside the count what the clients saw of it: those that vanished hear nothing, and nobody else may end.
      const seen = { open: scene.upstream.openSockets, dropped: (await scene.fleet.report()).dropped };
      expect(seen).toEqual({ open: STAYING, dropped: {} });
      expect(waited).toBeLessThan(reapLimit);
      figures[`vanished: reaped with heartbeat ${times.heartbeat} s, stall ${times.stall} s after`] =
        `${(waited / SECOND).toFixed(1)} s (at most ${reapLimit / SECOND})`;
      cases += before - STAYING;
      // Those of the last address are the ones that are left.
      const stillThere = await scene.fleet.report();
      expect(stillThere.comments).toBeGreaterThanOrEqual(STAYING);
      expect(scene.upstream.openSockets).toBe(STAYING);
      figures['healthy streams beside them'] = STAYING;
      expect(deaf.upstream.openSockets).toBe(STREAMS);
      controls.push(
        `heartbeat off: ${deaf.upstream.openSockets} of ${STREAMS} still held after ${(waited / SECOND).toFixed(0)} s`,
      );
      for (const { session } of sessions) session.destroy();
      await scene.fleet.leave('reset');
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    },
    reapLimit + 60 * SECOND,
  );

  it('control: a proxy that tells neither side keeps the upstream busy for nobody', async () => {
    await using scene = await startScene();
    await using proxy = await startNaiveProxy(scene.upstream.port);
    await openAll(scene, proxy, 50);
    await scene.fleet.leave('reset');
    await until(() => scene.upstream.openSockets === 0, SECOND);
    expect(scene.upstream.openSockets).toBe(50);
    controls.push('a proxy that tells neither side: 50 of 50 upstream streams open after 1 s');
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({
      id: 'T9',
      title: 'client death',
      cases,
      failures,
      figures,
      control: controls.join('; '),
    });
  });
});
