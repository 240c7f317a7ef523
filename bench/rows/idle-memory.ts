import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchPeer } from '../launch.ts';
import { readResidentKib } from '../process-tree.ts';
import { stop } from '../programs.ts';
import type { Row, RowContext } from '../row.ts';
import { fitLine, type Figures } from '../statistics.ts';
import { createStreamFleet, mostStreams } from '../stream-fleet.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';

/** The first streams pay for code and pools that all later ones share. */
const WARM_UP_STREAMS = 100;
const counts = [1000, 5000, 10_000];
const quickCounts = [100, 200, 400];
const SETTLE_MILLISECONDS = 300;
const MOST_SETTLE_READS = 10;
const STEADY = 0.002;

/** Resident memory that idle streams add to a proxy, each with TLS to the client and HTTP to the upstream. */
export const idleMemory: Row = {
  id: 'idle-memory',
  title: 'memory of an idle TLS + SSE stream',
  unit: 'bytes per stream',
  headline: 'most streams',
  isMoreBetter: false,
  async open(context) {
    const directory = join(context.directory, 'idle-memory');
    mkdirSync(directory, { recursive: true });
    const upstream = await startMcpUpstream(directory);
    return {
      admit: () => Promise.resolve(),
      async measure(peer) {
        const wanted = toStreamCounts(context);
        const streams = Math.max(...wanted) + WARM_UP_STREAMS;
        const running = await launchPeer(peer, {
          ...context,
          directory,
          streams,
          upstreamPort: upstream.port,
        });
        const fleet = createStreamFleet(running.endpoint);
        try {
          await fleet.openUntil(WARM_UP_STREAMS);
          const base = await readSettledBytes(running.process.pid ?? 0);
          const points: [number, number][] = [];
          for (const count of wanted) {
            await fleet.openUntil(WARM_UP_STREAMS + count);
            points.push([count, (await readSettledBytes(running.process.pid ?? 0)) - base]);
          }
          return toFigures(points);
        } finally {
          fleet.close();
          await stop(running.process);
        }
      },
      close: () => stop(upstream.process),
    };
  },
};

/** The numbers of streams that are measured, as far as the limit of open files lets them. */
function toStreamCounts({ isQuick }: Pick<RowContext, 'isQuick'>): readonly number[] {
  return (isQuick ? quickCounts : counts).map((count) => Math.min(count, mostStreams - WARM_UP_STREAMS));
}

/** Figures from what each number of streams added. */
export function toFigures(points: readonly (readonly [streams: number, bytes: number])[]): Figures {
  const line = fitLine(points);
  const each = points.map(([streams, bytes]) => [`${streams} streams`, Math.round(bytes / streams)] as const);
  return {
    'most streams': each.at(-1)?.[1] ?? Number.NaN,
    ...Object.fromEntries(each),
    slope: Math.round(line.slope),
    'deviation %': Math.round(line.deviation * 1000) / 10,
  };
}

/** Memory once it has come to rest: collectors and allocators work on for a while after the last stream. */
async function readSettledBytes(pid: number): Promise<number> {
  let bytes = readResidentKib(pid) * 1024;
  for (let reads = 0; reads < MOST_SETTLE_READS; reads++) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
    const before = bytes;
    bytes = readResidentKib(pid) * 1024;
    if (Math.abs(bytes - before) <= STEADY * before) break;
  }
  return bytes;
}
