import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Load } from '../load.ts';
import { readCpuSeconds } from '../process-tree.ts';
import { stop } from '../programs.ts';
import { summarize, type Round, type RowResult } from '../statistics.ts';
import { startJsonUpstream } from '../upstream.ts';
import type { Row, RowOptions } from './row.ts';

const WARM_UP_SECONDS = 2;

/**
 * Answers a CPU-second of the proxy's processes: on a shared machine wall-clock throughput says little. All
 * peers run from the start, so that each is as warm as the others, and are measured in turn.
 */
export function createThroughputRow(
  row: Pick<Row, 'id' | 'title' | 'targets'>,
  createLoad: (directory: string) => Load,
): Row {
  const unit = 'answers per CPU-second';
  return {
    ...row,
    unit,
    measure: (options) => measure({ id: row.id, unit }, createLoad(options.directory), options),
  };
}

async function measure(
  row: { id: string; unit: string },
  load: Load,
  options: RowOptions,
): Promise<RowResult> {
  const started: ChildProcess[] = [];
  try {
    const upstream = await startJsonUpstream(options.directory);
    started.push(upstream.process);
    const running: { name: string; port: number; process: ChildProcess }[] = [];
    for (const peer of options.peers) {
      const directory = join(options.directory, `${row.id}-${peer.name}`);
      mkdirSync(directory, { recursive: true });
      const one = await peer.start({ ...options, directory, upstreamPort: upstream.port });
      started.push(one.process);
      running.push({ name: peer.name, ...one });
    }
    for (const { port } of running) load({ port, seconds: WARM_UP_SECONDS });
    const rounds: Round[] = [];
    for (let count = 0; count < options.rounds; count++) {
      const round = new Map<string, number>();
      for (const { name, port, process } of running) {
        const before = readCpuSeconds(process.pid ?? 0);
        const answers = load({ port, seconds: options.seconds });
        round.set(name, Math.round(answers / (readCpuSeconds(process.pid ?? 0) - before)));
      }
      rounds.push(round);
      options.onProgress(
        `${row.id} round ${count + 1}: ${[...round].map(([name, value]) => `${name} ${value}`).join(', ')}`,
      );
    }
    return summarize(row, rounds);
  } finally {
    await Promise.all(started.map(stop));
  }
}
