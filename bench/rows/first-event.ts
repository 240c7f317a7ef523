import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../endpoint.ts';
import { createKeptPeers } from '../kept-peers.ts';
import { openConnection } from '../open-loop.ts';
import type { Row } from '../row.ts';
import { toPercentile } from '../statistics.ts';
import { buildStreamRequest } from '../stream-fleet.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';
import { toWarmUpSeconds } from '../warm-up.ts';

const LIMIT_MILLISECONDS = 10_000;
const MOST_ABANDONED = 50;

/** From the request on a connection that is open to the first event of the stream. */
export const firstEvent: Row = {
  id: 'first-event',
  title: 'time to the first event of a stream, p50',
  unit: 'µs',
  headline: 'p50',
  isMoreBetter: false,
  async open(context) {
    const directory = join(context.directory, 'first-event');
    mkdirSync(directory, { recursive: true });
    const upstream = await startMcpUpstream(directory);
    const kept = createKeptPeers(upstream, { ...context, directory }, { kinds: ['echo'] });
    return {
      async admit(peer) {
        const { endpoint } = await kept.admit(peer);
        await measureStreams(endpoint, toWarmUpSeconds(context), upstream.port);
      },
      async measure(peer) {
        const times = await measureStreams(kept.get(peer).endpoint, context.seconds, upstream.port);
        return {
          p50: Math.round(toPercentile(times, 0.5)),
          p99: Math.round(toPercentile(times, 0.99)),
        };
      },
      close: () => kept.close(),
    };
  },
};

/** Opens one stream after the other for so long; µs each took. */
async function measureStreams(
  endpoint: Endpoint,
  seconds: number,
  upstreamPort: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const socket = await openConnection(endpoint);
    try {
      const startedAt = performance.now();
      socket.write(buildStreamRequest(endpoint));
      let text = '';
      while (!text.includes('data: open')) {
        const signal = AbortSignal.timeout(LIMIT_MILLISECONDS);
        const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
        text += chunk.toString('latin1');
        if (!text.startsWith('HTTP/1.1 200')) throw new Error(`not a stream: ${text.slice(0, 100)}`);
      }
      times.push((performance.now() - startedAt) * 1000);
    } finally {
      socket.destroy();
    }
    // Apache learns that a client has gone only when it writes, and keeps a thread until then.
    if (times.length % MOST_ABANDONED === 0)
      await fetch(`http://127.0.0.1:${upstreamPort}/end`, { method: 'POST' }).then((answer) => answer.text());
  }
  return times;
}
