import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { controlDirectory, type ReloadAnswer } from '../../src/gateway/control/control-server.ts';
import {
  buildFakeTimeEnvironment,
  buildSetClockEnvironment,
  type FakeTime,
  type SetClock,
} from './fake-time.ts';
import { buildGatewayCommand, buildGatewayEnvironment, isExecutable } from './gateway-program.ts';
import { readResidentBytes } from './process-meter.ts';

/** A gateway from the built package or the executable, in a process of its own. */
export interface GatewayProcess {
  readonly pid: number;
  readonly port: number;
  /** Where it keeps certificates and keys; gone after `clean`. */
  readonly stateDir: string;
  /** PEM of the authority that clients must trust; empty with certificate files. */
  readonly ca: string;
  /** Everything it wrote to standard error: warnings, traces, its own log. Empty as long as all is well. */
  readonly complaints: string;
  /** Resolves with its exit code once it has ended; -1 after a signal. */
  readonly exited: Promise<number>;
  /** Lines of the access log; those of the last second may still be missing while it runs. */
  readAccessLog(): Promise<readonly string[]>;
  /** Bytes alive after a garbage collection, JavaScript heap and buffers together; of the executable, resident bytes. */
  measureHeap(): Promise<number>;
  /** Sockets, timers and requests that keep its event loop going. Not told by the executable. */
  countHandles(): Promise<number | undefined>;
  /** How late its event loop ran since the call before, in milliseconds; the first call starts the meter. Not told by the executable. */
  measureLoopDelay(): Promise<LoopDelay | undefined>;
  /** Puts a file into its state directory. */
  writeFile(name: string, text: string): Promise<void>;
  /** Writes the configuration anew, with other sections; nothing reads it before a reload. */
  rewriteConfig(changes: Section): Promise<void>;
  /** Has it read its configuration again, and resolves once it has. */
  reload(): Promise<ReloadAnswer>;
  signal(name: NodeJS.Signals): void;
  /** Ends it with SIGTERM and returns its exit code; -1 when it had to be killed. */
  stop(): Promise<number>;
  /** Kills it if it still runs and removes its files. */
  clean(): Promise<void>;
}

/** Milliseconds. */
export interface LoopDelay {
  readonly p99: number;
  readonly longest: number;
}

/** A section of the configuration file: keys and values as they are written. */
type Section = Readonly<Record<string, unknown>>;

export interface GatewayProcessOptions {
  readonly upstreamPort: number;
  readonly timeouts?: Section;
  readonly limits?: Section;
  /** Other sections, in place of the test's own. */
  readonly config?: Section;
  /** Absolute path; one of its own when absent. */
  readonly stateDir?: string;
  readonly fakeTime?: FakeTime;
  readonly setClock?: SetClock;
  /** Flags of Node; the executable takes none. */
  readonly nodeFlags?: readonly string[];
  /** Another Node and an installed package, instead of the build of this checkout; it takes no flags and cannot be measured. */
  readonly program?: { readonly node: string; readonly script: string };
  /** A command put before the gateway's own, such as `prlimit --nofile=64`. */
  readonly wrapper?: readonly string[];
}

/** Memory that was freed goes back to the system instead of resting in one arena a thread, where it looks like a leak. */
const steadyMemory = { NODE_OPTIONS: '', MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };
const STOP_MILLISECONDS = 15_000;
const runtimeFlags = ['--trace-warnings', '--expose-gc', '--import', here('./heap-probe.ts')];

export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-process-'));
  const configFile = join(directory, 'breakwater.json');
  const accessFile = join(directory, 'access.log');
  // JSON is YAML too.
  const config = {
    listen: '127.0.0.1:0',
    routes: [{ path: '/mcp', upstream: `http://127.0.0.1:${options.upstreamPort}/mcp` }],
    log: { level: 'info', format: 'json', access: accessFile },
    ...options.config,
    limits: { connections_per_address: 20_000, ...options.limits },
    timeouts: { drain: '2s', ...options.timeouts },
  };
  await writeFile(configFile, JSON.stringify(config));
  const stateDir = options.stateDir ?? join(directory, 'state');
  const up = ['up', '--json', '--config', configFile, '--state-dir', stateDir];
  const program =
    options.program === undefined
      ? buildGatewayCommand(up, [...runtimeFlags, ...(options.nodeFlags ?? [])])
      : { command: options.program.node, args: [options.program.script, ...up] };
  const [command = program.command, ...args] = [...(options.wrapper ?? []), program.command, ...program.args];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...buildGatewayEnvironment(),
      ...steadyMemory,
      ...buildFakeTimeEnvironment(options.fakeTime),
      ...buildSetClockEnvironment(options.setClock),
    },
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : -1));
  const clean = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  const facts = await readFacts(child);
  if (facts === undefined || child.pid === undefined) {
    await clean();
    throw new Error(`the gateway did not start: ${complaints}`);
  }
  const { pid } = child;
  const ask = async (what: 'heap' | 'handles' | 'loop'): Promise<unknown> => {
    const answer = once(child, 'message');
    child.send(what);
    return (await answer)[0];
  };
  return {
    pid,
    port: facts.port,
    stateDir,
    ca: facts.authorityFile === null ? '' : await readFile(facts.authorityFile, 'utf8'),
    exited,
    get complaints() {
      return complaints;
    },
    async readAccessLog() {
      return (await readFile(accessFile, 'utf8')).split('\n').filter((line) => line !== '');
    },
    async measureHeap() {
      return isExecutable ? readResidentBytes(pid) : Number(await ask('heap'));
    },
    async countHandles() {
      return isExecutable ? undefined : Number(await ask('handles'));
    },
    async measureLoopDelay() {
      // The probe answers with just this.
      return isExecutable ? undefined : ((await ask('loop')) as LoopDelay);
    },
    writeFile: (name, text) => writeFile(join(stateDir, name), text),
    rewriteConfig: (changes) => writeFile(configFile, JSON.stringify({ ...config, ...changes })),
    reload: () => askReload(join(stateDir, controlDirectory, `${pid}.sock`)),
    signal: (name) => void child.kill(name),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
    clean,
  };
}

function askReload(socketPath: string): Promise<ReloadAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ReloadAnswer>();
  const asked = request({ socketPath, method: 'POST', path: '/reload', agent: false }, (response) => {
    // Its form is that of the very program under test.
    json(response).then((answer) => resolve(answer as ReloadAnswer), reject);
  });
  asked.on('error', reject);
  asked.end();
  return promise;
}

/** Reads the one line that `up --json` prints; `undefined` when the process ended before. */
async function readFacts(
  child: ChildProcess,
): Promise<{ port: number; authorityFile: string | null } | undefined> {
  if (child.stdout === null) return undefined;
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    once(child, 'exit').then(() => undefined),
  ]);
  if (line === undefined) return undefined;
  // The shape of the envelope is a promise of `breakwater.up/1`.
  const { urls, authorityFile } = JSON.parse(line) as { urls: string[]; authorityFile: string | null };
  return { port: Number(new URL(urls[0] ?? '').port), authorityFile };
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
