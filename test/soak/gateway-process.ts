import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildFakeTimeEnvironment, type FakeTime } from './fake-time.ts';

/** A gateway from the built package, in a process of its own. */
export interface GatewayProcess {
  readonly pid: number;
  readonly port: number;
  /** PEM of the authority that clients must trust. */
  readonly ca: string;
  /** Everything it wrote to standard error: warnings, traces, its own log. Empty as long as all is well. */
  readonly complaints: string;
  /** Lines of the access log; those of the last second may still be missing while it runs. */
  readAccessLog(): Promise<readonly string[]>;
  /** Bytes alive after a garbage collection, JavaScript heap and buffers together. */
  measureHeap(): Promise<number>;
  /** Ends it with SIGTERM and returns its exit code; -1 when it had to be killed. */
  stop(): Promise<number>;
  /** Removes its files. */
  clean(): Promise<void>;
}

export interface GatewayProcessOptions {
  readonly upstreamPort: number;
  /** Values of the section `timeouts`, as they are written. */
  readonly timeouts?: Readonly<Record<string, string>>;
  readonly fakeTime?: FakeTime;
}

/** Memory that was freed goes back to the system instead of resting in one arena a thread, where it looks like a leak. */
const steadyMemory = { NODE_OPTIONS: '', MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };
const STOP_MILLISECONDS = 15_000;
const program: string = process.env['BREAKWATER_BIN'] ?? here('../../bin/breakwater.js');

export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-soak-'));
  const configFile = join(directory, 'breakwater.json');
  const accessFile = join(directory, 'access.log');
  // JSON is YAML too.
  const config = {
    listen: '127.0.0.1:0',
    routes: [{ path: '/mcp', upstream: `http://127.0.0.1:${options.upstreamPort}/mcp` }],
    limits: { connections_per_address: 20_000 },
    timeouts: { drain: '2s', ...options.timeouts },
    log: { level: 'info', format: 'json', access: accessFile },
  };
  await writeFile(configFile, JSON.stringify(config));
  const runtime = [
    ...(process.env.DBG ? ['--import', process.env.DBG] : []),
    '--trace-warnings',
    '--expose-gc',
    '--import',
    here('./heap-probe.ts'),
  ];
  const command = [program, 'up', '--json', '--config', configFile, '--state-dir', join(directory, 'state')];
  const child = spawn(process.execPath, [...runtime, ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...steadyMemory, ...buildFakeTimeEnvironment(options.fakeTime) },
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(child, 'exit');
  const clean = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const facts = await readFacts(child);
  if (facts === undefined || child.pid === undefined) {
    child.kill('SIGKILL');
    await exited;
    await clean();
    throw new Error(`the gateway did not start: ${complaints}`);
  }
  return {
    pid: child.pid,
    port: facts.port,
    ca: await readFile(facts.authorityFile, 'utf8'),
    get complaints() {
      return complaints;
    },
    async readAccessLog() {
      return (await readFile(accessFile, 'utf8')).split('\n').filter((line) => line !== '');
    },
    async measureHeap() {
      const answer = once(child, 'message');
      child.send('heap');
      return Number((await answer)[0]);
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
      const [code]: unknown[] = await exited;
      clearTimeout(timer);
      return typeof code === 'number' ? code : -1;
    },
    clean,
  };
}

/** Reads the one line that `up --json` prints; `undefined` when the process ended before. */
async function readFacts(child: ChildProcess): Promise<{ port: number; authorityFile: string } | undefined> {
  if (child.stdout === null) return undefined;
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    once(child, 'exit').then(() => undefined),
  ]);
  if (line === undefined) return undefined;
  // The shape of the envelope is a promise of `breakwater.up/1`.
  const { urls, authorityFile } = JSON.parse(line) as { urls: string[]; authorityFile: string };
  return { port: Number(new URL(urls[0] ?? '').port), authorityFile };
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
