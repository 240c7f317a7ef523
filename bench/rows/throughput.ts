import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { createKeptPeers } from '../kept-peers.ts';
import type { Load } from '../load.ts';
import type { Check } from '../peer.ts';
import { readCpuSeconds } from '../process-tree.ts';
import { stop } from '../programs.ts';
import type { Row } from '../row.ts';
import type { Figures } from '../statistics.ts';
import { startCallUpstream } from '../upstreams/call-upstream.ts';
import { startAuthServer } from '../upstreams/node-upstream.ts';
import { toWarmUpSeconds } from '../warm-up.ts';

const HEADLINE = 32;

export interface ThroughputOptions {
  readonly id: string;
  readonly title: string;
  readonly check: Check;
  /** Numbers of connections besides the headline's 32. */
  readonly connections: readonly number[];
  readonly overH2?: true;
  createLoad(directory: string): Load;
  /** The load with heads of which no two are alike, measured at the headline's connections. */
  createChangingLoad?(directory: string): Load;
}

/** Answers a CPU-second of the proxy's processes: on a shared machine wall-clock throughput says little. */
export function createThroughputRow(options: ThroughputOptions): Row {
  return {
    id: options.id,
    title: options.title,
    unit: 'answers per CPU-second',
    headline: String(HEADLINE),
    isMoreBetter: true,
    async open(context) {
      const directory = join(context.directory, options.id);
      mkdirSync(directory, { recursive: true });
      const upstream = await startCallUpstream(directory);
      const authServer = options.check === 'none' ? undefined : await startAuthServer(directory);
      const load = options.createLoad(directory);
      const changing = options.createChangingLoad?.(directory);
      const kept = createKeptPeers(
        upstream,
        { ...context, directory, authPort: authServer?.port, check: options.check },
        { kinds: ['echo'], overH2: options.overH2 === true },
      );
      return {
        async admit(peer) {
          const { endpoint } = await kept.admit(peer);
          load(endpoint, { connections: HEADLINE, seconds: toWarmUpSeconds(context) });
        },
        measure(peer) {
          const { endpoint, process } = kept.get(peer);
          const perCpuSecond = (each: Load, connections: number): number => {
            const before = readCpuSeconds(process.pid ?? 0);
            const answers = each(endpoint, { connections, seconds: context.seconds });
            return Math.round(answers / (readCpuSeconds(process.pid ?? 0) - before));
          };
          const figures: Record<string, number> = {};
          for (const connections of context.isQuick ? [HEADLINE] : [HEADLINE, ...options.connections])
            figures[connections] = perCpuSecond(load, connections);
          if (changing !== undefined && !context.isQuick)
            figures[`${HEADLINE}, changing heads`] = perCpuSecond(changing, HEADLINE);
          return Promise.resolve<Figures>(figures);
        },
        async close() {
          await kept.close();
          if (authServer !== undefined) await stop(authServer.process);
        },
      };
    },
  };
}
