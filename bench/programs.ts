import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';

/** Proxies run on one core, load and upstream on the other, so that neither takes time from the measured side. */
export const proxyCore = 0;
export const loadCore = 1;

const START_MILLISECONDS = 10_000;

/** The first line that matches in what a program prints about its version, or `undefined` when it cannot be run. */
export function readVersion(command: string, args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0];
}

/** Starts a program on a core and waits until it answers on its port. Its output goes to a file. */
export async function startOnCore(options: {
  readonly core: number;
  readonly command: readonly string[];
  readonly port: number;
  readonly outputFile: string;
}): Promise<ChildProcess> {
  const output = openSync(options.outputFile, 'a');
  const child = spawn('taskset', ['-c', String(options.core), ...options.command], {
    stdio: ['ignore', output, output],
    detached: true,
  });
  const deadline = performance.now() + START_MILLISECONDS;
  while (!(await answers(options.port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop(child);
      throw new Error(`${options.command[0]} did not start: ${readFileSync(options.outputFile, 'utf8')}`);
    }
  }
  return child;
}

/** Ends a program with its children, and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

/** A port that was free a moment ago. */
export async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address object.
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(() => resolve(false), 20));
  });
}
