import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchPeer } from './launch.ts';
import { createH1Load } from './load.ts';
import type { Peer } from './peer.ts';
import { withNodeFlags } from './peers/breakwater.ts';
import { nginx } from './peers/nginx.ts';
import { listTree, readCpuSeconds } from './process-tree.ts';
import { readVersion, stop } from './programs.ts';
import type { RowContext } from './row.ts';
import { startCallUpstream } from './upstreams/call-upstream.ts';
import { startAuthServer } from './upstreams/node-upstream.ts';
import { toWarmUpSeconds } from './warm-up.ts';
import { buildWorkTable, countWorkKinds, type MeasuredWork } from './work-kinds.ts';

const CONNECTIONS = 32;
const SAMPLES_PER_SECOND = 1999;
/** `perf script` prints a stack for each sample. */
const MOST_BYTES = 1024 ** 3;

/** V8 tells perf where the code it compiles is. */
const named = withNodeFlags(['--perf-basic-prof']);

/**
 * What the processor does for a call of `secured-h1`, kernel included, here and in nginx: a table of µs by kind of work. `undefined`
 * where `perf` is not installed. Sampling costs a few per cent itself, on both sides.
 */
export async function profileWork(context: RowContext): Promise<string | undefined> {
  if (readVersion('perf', ['--version']) === undefined) return undefined;
  const directory = join(context.directory, 'work');
  mkdirSync(directory, { recursive: true });
  const upstream = await startCallUpstream(directory);
  const authServer = await startAuthServer(directory);
  try {
    const ports = { upstreamPort: upstream.port, authPort: authServer.port };
    const measured: MeasuredWork[] = [];
    for (const peer of [named, nginx]) measured.push(await sample(peer, { ...context, directory, ...ports }));
    return buildWorkTable(measured);
  } finally {
    await Promise.all([stop(upstream.process), stop(authServer.process)]);
  }
}

async function sample(
  peer: Peer,
  context: RowContext & { readonly upstreamPort: number; readonly authPort: number },
): Promise<MeasuredWork> {
  const { directory, seconds } = context;
  const file = join(directory, `${peer.name}.perf`);
  const running = await launchPeer(peer, { ...context, check: 'token' });
  try {
    const pid = running.process.pid ?? 0;
    const load = createH1Load(directory);
    load(running.endpoint, { connections: CONNECTIONS, seconds: toWarmUpSeconds(context) });
    const record = ['record', '-e', 'cpu-clock', '-F', String(SAMPLES_PER_SECOND), '-g', '-o', file];
    const perf = spawn('perf', [...record, '-p', listTree(pid).join(',')], { stdio: 'ignore' });
    const gone = once(perf, 'exit');
    const before = readCpuSeconds(pid);
    const calls = load(running.endpoint, { connections: CONNECTIONS, seconds });
    const perCall = ((readCpuSeconds(pid) - before) * 1e6) / calls;
    perf.kill('SIGINT');
    await gone;
    const script = spawnSync('perf', ['script', '-i', file, '-F', 'ip,sym,dso'], {
      encoding: 'utf8',
      maxBuffer: MOST_BYTES,
    });
    if (script.status !== 0) throw new Error(`perf script failed: ${script.stderr.slice(-500)}`);
    return { name: peer.name, perCall, counts: countWorkKinds(script.stdout) };
  } finally {
    await stop(running.process);
  }
}
