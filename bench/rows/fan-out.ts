import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchPeer } from '../launch.ts';
import { stop } from '../programs.ts';
import type { Row } from '../row.ts';
import { toPercentile } from '../statistics.ts';
import { createStreamFleet, mostStreams, type StreamFleet } from '../stream-fleet.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';

const STREAMS = 5000;
const QUICK_STREAMS = 300;
const EVENTS = 5;
const WARM_UP_EVENTS = 5;
const LIMIT_MILLISECONDS = 30_000;

/** From the write of an event at the upstream to its arrival, over all streams. */
export const fanOut: Row = {
  id: 'fan-out',
  title: `one event to ${STREAMS} streams, delay p99`,
  unit: 'ms',
  headline: 'p99',
  isMoreBetter: false,
  async open(context) {
    const directory = join(context.directory, 'fan-out');
    mkdirSync(directory, { recursive: true });
    const upstream = await startMcpUpstream(directory);
    const streams = Math.min(context.isQuick ? QUICK_STREAMS : STREAMS, mostStreams);
    return {
      admit: () => Promise.resolve(),
      async measure(peer) {
        const running = await launchPeer(peer, {
          ...context,
          directory,
          streams,
          upstreamPort: upstream.port,
        });
        const fleet = createStreamFleet(running.endpoint);
        try {
          await fleet.openUntil(streams);
          for (let count = 0; count < WARM_UP_EVENTS; count++) await sendEvent(fleet, upstream.port, streams);
          const delays: number[] = [];
          for (let count = 0; count < EVENTS; count++)
            delays.push(...(await sendEvent(fleet, upstream.port, streams)));
          return { p99: round(toPercentile(delays, 0.99)), p50: round(toPercentile(delays, 0.5)) };
        } finally {
          fleet.close();
          await stop(running.process);
        }
      },
      close: () => stop(upstream.process),
    };
  },
};

/** Lets the upstream send one event to each stream and waits for all of them; milliseconds each took. */
async function sendEvent(
  fleet: StreamFleet,
  upstreamPort: number,
  streams: number,
): Promise<readonly number[]> {
  const delays: number[] = [];
  const all = Promise.withResolvers<undefined>();
  const timer = setTimeout(
    () => all.reject(new Error(`only ${delays.length} of ${streams} streams had the event`)),
    LIMIT_MILLISECONDS,
  );
  fleet.onEvent = (text) => {
    delays.push(Number(process.hrtime.bigint() - BigInt(text)) / 1e6);
    if (delays.length === streams) all.resolve(undefined);
  };
  try {
    const answer = await fetch(`http://127.0.0.1:${upstreamPort}/emit`, { method: 'POST' });
    await answer.text();
    await all.promise;
  } finally {
    clearTimeout(timer);
    fleet.onEvent = undefined;
  }
  return delays;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
