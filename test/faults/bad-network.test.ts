import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { startFaultRelay } from '../support/fault-relay.ts';
import { connectH2 } from '../support/h2-client.ts';
import { eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';
import { losePackets } from './packet-filter.ts';

const SECOND = 1000;
const SECONDS = isFullRun ? 20 * 60 : 20;
const EVENTS_PER_SECOND = 5;
const EVENTS = SECONDS * EVENTS_PER_SECOND;
const PAD = `: ${'p'.repeat(4000)}`;
/** Streams go in turn over 127.0.0.2 to 127.0.0.20; two an address are direct, the others go through a relay. */
const DIRECT = 38;
const RELAYED = 20;
const OVER_H2 = 5;
const WINDOW = 1024 * 1024;

describe('bad-network (T28)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it(
    `of lost packets, delay and little room passes every event once and in order for ${SECONDS} s`,
    async () => {
      const streams = new Set<{ write(text: string): unknown }>();
      const upstream = await startScriptedUpstream(({ socket }) => {
        socket.write(eventStreamHead);
        streams.add(socket);
        socket.on('close', () => streams.delete(socket));
      });
      await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
      await using rig = await startFaultRig({ upstreamPort: upstream.port });
      const { port, ca } = rig.gateway;
      await using late = await startFaultRelay({ targetPort: port });
      await using narrow = await startFaultRelay({ targetPort: port });
      await using fleet = await startStreamFleet();
      for (const [door, count] of [
        [port, DIRECT],
        [late.port, RELAYED],
        [narrow.port, RELAYED],
      ] as const) {
        expect(await fleet.open({ port: door, ca, streams: count })).toMatchObject({ failures: [] });
      }
      using client = await connectH2({ port: late.port, ca });
      // The usual window lets 64 KiB through in a round trip: less than the streams carry over a line as long as this.
      client.session.setLocalWindowSize(WINDOW);
      const exchanges = Array.from({ length: OVER_H2 }, () => client.get());
      for (const { head } of exchanges) await head;
      const all = DIRECT + 2 * RELAYED;
      expect(streams.size).toBe(all + OVER_H2);
      for (const direction of ['toTarget', 'toClient'] as const) {
        late.set(direction, { delay: 200, jitter: 50 });
        narrow.set(direction, { bytesPerSecond: 1_000_000 / 8 });
      }
      await using _two = await losePackets({ port, clients: ['127.0.0.2', '127.0.0.10'], probability: 0.02 });
      await using _five = await losePackets({
        port,
        clients: ['127.0.0.11', '127.0.0.20'],
        probability: 0.05,
      });
      let next = 0;
      const send = (): void => {
        const event = toChunk(`data: ${next++}\n${PAD}\n\n`);
        for (const socket of streams) socket.write(event);
      };
      const start = performance.now();
      while (next < EVENTS) {
        send();
        await sleep(Math.max(0, start + (next * SECOND) / EVENTS_PER_SECOND - performance.now()));
      }
      // The last ones may have to be repeated, with longer pauses each time.
      await until(async () => (await fleet.report()).events === all * EVENTS, 30 * SECOND);
      const { running, dropped, events, disorder } = await fleet.report();
      expect({ running, dropped, events, disorder }).toEqual({
        running: all,
        dropped: {},
        events: all * EVENTS,
        disorder: 0,
      });
      const numbers = Array.from({ length: EVENTS }, (_, number) => String(number));
      for (const exchange of exchanges) {
        const body = await exchange.until((text) => text.includes(`data: ${EVENTS - 1}\n`));
        expect([...body.matchAll(/^data: (\d+)$/gm)].map(([, number]) => number)).toEqual(numbers);
      }
      cases = (all + OVER_H2) * EVENTS;
      figures['seconds'] = SECONDS;
      figures['streams, 2 % and 5 % loss'] = DIRECT;
      figures['streams, 200 ms ±50'] = RELAYED + OVER_H2;
      figures['streams, 1 Mbit/s'] = RELAYED;
      figures['events lost, repeated or out of order'] = all * EVENTS - events + disorder;
      figures['streams cut'] = all - running;
      // Control: an event that is left out is noticed by every stream.
      next++;
      send();
      await until(async () => (await fleet.report()).disorder === all, 30 * SECOND);
      expect((await fleet.report()).disorder).toBe(all);
      control = `one number left out: ${all} of ${all} streams notice`;
      await fleet.leave('end');
      client.session.destroy();
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    },
    SECONDS * SECOND + 120_000,
  );

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T28', title: 'bad network', cases, failures, figures, control });
  });
});
