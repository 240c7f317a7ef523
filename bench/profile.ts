import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProfileTable, toSelfTimes, type CpuProfile } from './cpu-profile.ts';
import { launchPeer } from './launch.ts';
import { createH1Load } from './load.ts';
import { withNodeFlags } from './peers/breakwater.ts';
import { listTree } from './process-tree.ts';
import { stop } from './programs.ts';
import type { RowContext } from './row.ts';
import { startCallUpstream } from './upstreams/call-upstream.ts';
import { toWarmUpSeconds } from './warm-up.ts';

const MOST_FUNCTIONS = 25;
const CONNECTIONS = 32;

/** Runs the gateway under V8's sampling profiler and the load of `bare-h1`; a table of self times, warm-up left out. */
export async function profileGateway(context: RowContext): Promise<string> {
  const directory = join(context.directory, 'profile');
  mkdirSync(directory, { recursive: true });
  const profiled = withNodeFlags(['--cpu-prof', `--cpu-prof-dir=${directory}`]);
  const upstream = await startCallUpstream(directory);
  try {
    let skip = 0;
    const startedAt = performance.now();
    const running = await launchPeer(profiled, { ...context, directory, upstreamPort: upstream.port });
    try {
      const load = createH1Load(directory);
      load(running.endpoint, { connections: CONNECTIONS, seconds: toWarmUpSeconds(context) });
      skip = (performance.now() - startedAt) * 1000;
      load(running.endpoint, { connections: CONNECTIONS, seconds: context.seconds });
      const gone = once(running.process, 'exit');
      // The profile is written when the gateway has drained.
      for (const pid of listTree(running.process.pid ?? 0)) process.kill(pid, 'SIGTERM');
      await gone;
    } finally {
      await stop(running.process);
    }
    const file = readdirSync(directory).find((name) => name.endsWith('.cpuprofile'));
    if (file === undefined) throw new Error('the gateway wrote no profile');
    // V8's own format.
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    return buildProfileTable(toSelfTimes(profile, { most: MOST_FUNCTIONS, skip }));
  } finally {
    await stop(upstream.process);
  }
}
