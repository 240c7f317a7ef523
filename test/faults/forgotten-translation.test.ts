import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { createTranslatedNetwork } from '../support/network-namespace.ts';
import { eventStreamHead, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { startDistantClient } from './distant-client.ts';
import { until } from '../support/until.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';

const SECOND = 1000;
const STREAMS = 20;
const times = isFullRun ? { heartbeat: 15, stall: 30 } : { heartbeat: 3, stall: 10 };

/** Reached from the other network too. */
const openHouse = { listen: '0.0.0.0:0', danger_allow_public: true };

describe('forgotten-translation (T29)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it.each([
    ['resets what it does not know', [], 2 * times.heartbeat],
    ['drops what it does not know', ['-P', 'INPUT', 'DROP'], 2 * times.heartbeat + 30],
  ] as const)(
    'of a translator that %s is noticed, and the streams are closed',
    async (manner, policy, limit) => {
      await using network = await createTranslatedNetwork();
      const upstream = await startScriptedUpstream(({ socket }) => void socket.write(eventStreamHead));
      await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
      await using rig = await startFaultRig({
        upstreamPort: upstream.port,
        config: {
          ...openHouse,
          routes: [{ path: '/mcp', upstream: `http://127.0.0.1:${upstream.port}/mcp` }],
        },
        timeouts: { heartbeat: `${times.heartbeat}s`, stall: `${times.stall}s` },
      });
      const { port, ca } = rig.gateway;
      await using distant = startDistantClient(network.client);
      const host = network.hostAddress;
      expect(await distant.tell({ kind: 'open', host, port, ca, streams: STREAMS })).toMatchObject({
        open: STREAMS,
      });
      // The control: as long as the translator remembers, no stream is lost, over more than two heartbeats.
      const isHeard = async (): Promise<boolean> =>
        (await distant.tell({ kind: 'report' })).comments >= 2 * STREAMS;
      await until(isHeard, 3 * times.heartbeat * SECOND);
      expect(upstream.openSockets).toBe(STREAMS);
      if (policy.length > 0) await network.onTranslator('iptables', '-w', ...policy);
      await network.onTranslator('conntrack', '-F');
      const waited = await until(() => upstream.openSockets === 0, (limit + 1) * SECOND);
      expect(upstream.openSockets).toBe(0);
      expect(waited).toBeLessThan(limit * SECOND);
      figures[`${manner}: noticed, heartbeat ${times.heartbeat} s, after`] =
        `${(waited / SECOND).toFixed(1)} s (at most ${limit})`;
      cases += STREAMS;
      control = `with the entry in place ${STREAMS} of ${STREAMS} streams live through two heartbeats`;
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    },
  );

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T29', title: 'forgotten translation', cases, failures, figures, control });
  });
});
