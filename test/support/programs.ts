import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A program that npm does not bring along: where it is, or why the tests that need it do not run. */
export type Program =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** True where a missing program is a failure instead of a skipped test. */
export const programsAreMandatory: boolean = process.env['CI'] === 'true';

const chromiumPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const pythonLimitMs = 30_000;
const helmLimitMs = 30_000;
const startLimitMs = 30_000;
const startPollMs = 50;
const stopLimitMs = 500;

/** Absolute path of a file of the checkout. */
export function toCheckoutPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Absolute path of a file of an npm package. */
export function resolvePackageFile(specifier: string): string {
  return createRequire(import.meta.url).resolve(specifier);
}

/** The path of a program; throws the reason when it is missing. */
export function toProgramPath(program: Program): string {
  if (program.kind === 'missing') throw new Error(program.reason);
  return program.path;
}

/** A Python with FastMCP 4: the one `BREAKWATER_PYTHON` names, the checkout's `.venv`, or the system's. */
export function findFastmcpPython(): Program {
  const named = process.env['BREAKWATER_PYTHON'];
  const candidates = named === undefined ? [toCheckoutPath('.venv/bin/python'), 'python3'] : [named];
  for (const path of candidates) {
    const check = 'import fastmcp; raise SystemExit(not fastmcp.__version__.startswith("4."))';
    if (spawnSync(path, ['-c', check], { timeout: pythonLimitMs }).status === 0)
      return { kind: 'found', path };
  }
  const reason = `no Python with FastMCP 4 (tried ${named ?? '.venv/bin/python and python3'})`;
  return { kind: 'missing', reason };
}

/** Debian's Chromium. */
export function findChromium(): Program {
  const path = chromiumPaths.find((candidate) => existsSync(candidate));
  return path === undefined
    ? { kind: 'missing', reason: `no Chromium (tried ${chromiumPaths.join(', ')})` }
    : { kind: 'found', path };
}

/** Helm: the one `BREAKWATER_HELM` names, or that of the search path. */
export function findHelm(): Program {
  const path = process.env['BREAKWATER_HELM'] ?? 'helm';
  return spawnSync(path, ['version'], { timeout: helmLimitMs }).status === 0
    ? { kind: 'found', path }
    : {
        kind: 'missing',
        reason: `no Helm (tried ${path}; \`go install helm.sh/helm/v3/cmd/helm@latest\` builds one, BREAKWATER_HELM names it)`,
      };
}

export interface ServerProgram {
  readonly port: number;
  /** Ends the process and waits until it is gone. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a server on a free loopback port, or the given one, and waits until it accepts connections; rejects with what it printed. */
export async function startServerProgram(
  build: (port: number) => ServerCommand,
  given?: number,
): Promise<ServerProgram> {
  const port = given ?? (await findFreePort());
  const { command, args, env } = build(port);
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  child.once('exit', () => process.off('exit', killOnExit));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-10_000);
    });
  }
  const stop = (): Promise<void> => stopProgram(child);
  const failed = new Promise<Error>((resolve) => {
    child.once('error', resolve);
    child.once('exit', () => resolve(new Error(`${command} ${args.join(' ')} ended:\n${printed}`)));
  });
  const deadline = Date.now() + startLimitMs;
  while (!(await acceptsConnections(port))) {
    const pause = new Promise<undefined>((resolve) => setTimeout(resolve, startPollMs, undefined));
    const error = await Promise.race([failed, pause]);
    if (error !== undefined) throw error;
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`${command} ${args.join(' ')} does not listen on port ${port}:\n${printed}`);
    }
  }
  return { port, stop, kill: killOnExit };
}

/** Ends a child with SIGTERM, with SIGKILL when it takes its time, and waits until it is gone. */
export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await gone;
  clearTimeout(timer);
}

/** A loopback port that nothing listens on right now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether something listens on a loopback port. */
export function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
