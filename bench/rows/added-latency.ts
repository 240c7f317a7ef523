import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../endpoint.ts';
import { createKeptPeers } from '../kept-peers.ts';
import { createH1Load } from '../load.ts';
import { measureOpenLoop } from '../open-loop.ts';
import type { Row } from '../row.ts';
import { toPercentile } from '../statistics.ts';
import { startCallUpstream } from '../upstreams/call-upstream.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';
import { toWarmUpSeconds } from '../warm-up.ts';

const RATE = 200;
const WARM_UP_CONNECTIONS = 8;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** What a call through the proxy takes beyond the same call over plain HTTP straight to the upstream. */
export const addedLatency: Row = {
  id: 'added-latency',
  title: `added latency p50, one connection, open loop, ${RATE} calls/s`,
  unit: 'µs',
  headline: 'p50',
  isMoreBetter: false,
  async open(context) {
    const directory = join(context.directory, 'added-latency');
    mkdirSync(directory, { recursive: true });
    const upstream = await startCallUpstream(directory);
    const mcpUpstream = await startMcpUpstream(directory);
    const kept = createKeptPeers(upstream, { ...context, directory }, { kinds: ['echo'], mcpUpstream });
    const load = createH1Load(directory);
    const measureLatency = async (endpoint: Endpoint): Promise<Latency> => {
      const times = await measureOpenLoop(endpoint, { rate: RATE, seconds: context.seconds });
      return { p50: toPercentile(times, 0.5), p99: toPercentile(times, 0.99) };
    };
    let direct = { p50: 0, p99: 0 };
    let directMcp = direct;
    return {
      async admit(peer) {
        const { endpoint } = await kept.admit(peer);
        load(endpoint, { connections: WARM_UP_CONNECTIONS, seconds: toWarmUpSeconds(context) });
      },
      async beginRound() {
        direct = await measureLatency(toDirect(upstream.port));
        directMcp = await measureLatency(toDirect(mcpUpstream.port));
      },
      async measure(peer) {
        const { p50, p99 } = await measureLatency(kept.get(peer).endpoint);
        const base = peer.isMcpEndpoint === true ? directMcp : direct;
        return { p50: Math.round(p50 - base.p50), p99: Math.round(p99 - base.p99) };
      },
      close: () => kept.close(),
    };
  },
};

function toDirect(port: number): Endpoint {
  return { port, isPlain: true, fields: {}, needsOwnIds: false };
}
