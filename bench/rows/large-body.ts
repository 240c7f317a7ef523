import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createKeptPeers } from '../kept-peers.ts';
import { createH1Load } from '../load.ts';
import { readCpuSeconds } from '../process-tree.ts';
import type { Row } from '../row.ts';
import { startMcpUpstream } from '../upstreams/node-upstream.ts';
import { toWarmUpSeconds } from '../warm-up.ts';

const CONNECTIONS = 8;

/** Calls with 1 MiB on one of their sides; the headline is both sides together. */
export const largeBody: Row = {
  id: 'large-body',
  title: `1 MiB bodies, ${CONNECTIONS} connections`,
  unit: 'MiB per CPU-second',
  headline: 'both',
  isMoreBetter: true,
  async open(context) {
    const directory = join(context.directory, 'large-body');
    mkdirSync(directory, { recursive: true });
    const kept = createKeptPeers(
      await startMcpUpstream(directory),
      { ...context, directory },
      { kinds: ['upload', 'download'] },
    );
    const load = { up: createH1Load(directory, 'upload'), down: createH1Load(directory, 'download') };
    return {
      async admit(peer) {
        const { endpoint } = await kept.admit(peer);
        if (context.isQuick) return;
        const seconds = Math.ceil(toWarmUpSeconds(context) / 2);
        load.up(endpoint, { connections: CONNECTIONS, seconds });
        load.down(endpoint, { connections: CONNECTIONS, seconds });
      },
      measure(peer) {
        const { endpoint, process } = kept.get(peer);
        const figures: Record<string, number> = {};
        let calls = 0;
        let cpuSeconds = 0;
        for (const direction of ['up', 'down'] as const) {
          const before = readCpuSeconds(process.pid ?? 0);
          const answers = load[direction](endpoint, { connections: CONNECTIONS, seconds: context.seconds });
          const used = readCpuSeconds(process.pid ?? 0) - before;
          figures[direction] = Math.round(answers / used);
          calls += answers;
          cpuSeconds += used;
        }
        return Promise.resolve({ ...figures, both: Math.round(calls / cpuSeconds) });
      },
      close: () => kept.close(),
    };
  },
};
