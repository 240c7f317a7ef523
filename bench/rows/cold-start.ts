import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCall, callFields } from '../call.ts';
import { request } from '../http-request.ts';
import { openEndpoint, preparePeer, startPeer } from '../launch.ts';
import type { Peer } from '../peer.ts';
import { hasEnded, stop } from '../programs.ts';
import type { Row } from '../row.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';

const LIMIT_MILLISECONDS = 30_000;
const RETRY_MILLISECONDS = 2;

/** From the start of the program to the first answered call, TLS handshake and, where a proxy wants one, session included. */
export const coldStart: Row = {
  id: 'cold-start',
  title: 'cold start to the first answer',
  unit: 'ms',
  headline: 'start',
  isMoreBetter: false,
  async open(context) {
    const directory = join(context.directory, 'cold-start');
    mkdirSync(directory, { recursive: true });
    const upstream = await startMcpUpstream(directory);
    return {
      admit: () => Promise.resolve(),
      async measure(peer) {
        const prepared = await preparePeer(peer, { ...context, directory, upstreamPort: upstream.port });
        const startedAt = performance.now();
        const child = startPeer(prepared);
        try {
          while (!(await isAnswered(peer, prepared.program.port))) {
            if (hasEnded(child) || performance.now() - startedAt > LIMIT_MILLISECONDS)
              throw new Error(`did not start: ${readFileSync(prepared.outputFile, 'utf8').slice(-2000)}`);
            await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
          }
          return { start: Math.round(performance.now() - startedAt) };
        } finally {
          await stop(child);
        }
      },
      close: () => stop(upstream.process),
    };
  },
};

async function isAnswered(peer: Peer, port: number): Promise<boolean> {
  try {
    const endpoint = await openEndpoint(peer, port, 'none');
    const fields = { ...callFields, ...endpoint.fields };
    const { status } = await request(endpoint, { method: 'POST', fields, body: buildCall('echo') });
    return status === 200;
  } catch {
    // Nothing listens yet.
    return false;
  }
}
