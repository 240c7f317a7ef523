import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptsConnections } from '../test/support/programs.ts';
import type { Availability } from './peer.ts';
import { listTree } from './process-tree.ts';

/** Proxies run on one core, load and upstream on the other, so that neither takes time from the measured side. */
export const proxyCore = 0;
export const loadCore = 1;

const START_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 2;
const WANTED_FILES = 65_536;

/** What runs now: none of it may outlive the benchmark, however that ends. */
const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const { pid } of started) if (pid !== undefined) killTree(pid);
});

/** Open files a started program may have: as many as wanted, or what this machine permits. */
export const fileLimit: number = findFileLimit();

/** Whether a program can be run, and the version it prints. */
export function findProgram(command: string, args: readonly string[], source: string): Availability {
  const version = readVersion(command, args);
  return version === undefined
    ? { kind: 'missing', reason: `${command} is not installed (${source})` }
    : { kind: 'found', version };
}

/** The first version number in what a program prints, or `undefined` when it cannot be run. */
export function readVersion(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0];
}

/** Binds this process, and with it everything it starts from now on, to the core of the load. */
export function bindToLoadCore(): void {
  spawnSync('taskset', ['-a', '-p', '-c', String(loadCore), String(process.pid)]);
}

/** Starts a program on a core. Its output goes to a file. */
export function startOnCore(options: {
  readonly core: number;
  readonly command: readonly string[];
  readonly outputFile: string;
}): ChildProcess {
  const output = openSync(options.outputFile, 'a');
  const limit = `--nofile=${fileLimit}:${fileLimit}`;
  const child = spawn('prlimit', [limit, 'taskset', '-c', String(options.core), ...options.command], {
    stdio: ['ignore', output, output],
    detached: true,
  });
  closeSync(output);
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}

/** Waits until something accepts connections on the port; throws what the program printed when it gives up. */
export async function waitForPort(child: ChildProcess, port: number, outputFile: string): Promise<void> {
  const deadline = performance.now() + START_MILLISECONDS;
  while (!(await acceptsConnections(port))) {
    if (hasEnded(child) || performance.now() > deadline) {
      await stop(child);
      throw new Error(`did not start: ${readFileSync(outputFile, 'utf8').slice(-2000)}`);
    }
    await sleep(POLL_MILLISECONDS);
  }
}

/** Ends a program with all that descend from it, and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const gone = once(child, 'exit');
  killTree(child.pid);
  await gone;
}

function killTree(root: number): void {
  for (const pid of listTree(root)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between listing and killing.
    }
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function findFileLimit(): number {
  const wanted = spawnSync('prlimit', [`--nofile=${WANTED_FILES}:${WANTED_FILES}`, 'true']);
  if (wanted.status === 0) return WANTED_FILES;
  const permitted = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(permitted ?? 1024);
}
