import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buildGatewayCommand, buildGatewayEnvironment } from './gateway-program.ts';
import { readFirstLine, readOutcome, type Outcome } from './program-runs.ts';
import { toCheckoutPath } from './programs.ts';

/** A gateway as a service: under a stand-in for systemd that hands sockets over and hears what it is told. */
export interface ManagedGateway extends AsyncDisposable {
  /** Of the first URL that it printed. */
  readonly port: number;
  readonly stateDir: string;
  /** PEM of the authority that clients must trust. */
  readonly ca: string;
  readonly complaints: string;
  /** Its exit code, once the manager starts it no more. */
  readonly exited: Promise<number>;
  /** Of the process that runs now. */
  readPid(): Promise<number>;
  /** What it has told the manager so far, a text for each datagram. */
  readTold(): Promise<readonly string[]>;
  rewriteConfig(config: Readonly<Record<string, unknown>>): Promise<void>;
  /** To the manager, which passes it on. */
  signal(name: 'SIGTERM' | 'SIGHUP' | 'SIGUSR2'): void;
}

export interface ManagedOptions {
  /** `NAME=HOST:PORT`; no name is a unit without `FileDescriptorName=`. */
  readonly sockets: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts one and waits for its URL; throws what it said when it did not start. */
export async function startManagedGateway(options: ManagedOptions): Promise<ManagedGateway> {
  const { directory, child, writeConfig } = await spawnManaged(options);
  const stateDir = join(directory, 'state');
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(child, 'exit').then(([code]: unknown[]) => Number(code ?? -1));
  const url = await Promise.race([readFirstLine(child), exited]);
  if (typeof url === 'number') throw new Error(`the gateway ended with ${url}: ${complaints}`);
  const readPid = async (): Promise<number> => Number(await readFile(join(directory, 'pid'), 'utf8'));
  return {
    port: Number(new URL(url).port),
    stateDir,
    ca: await readFile(join(stateDir, 'local-ca/ca.pem'), 'utf8'),
    get complaints() {
      return complaints;
    },
    exited,
    readPid,
    async readTold() {
      const lines = (await readFile(join(directory, 'told'), 'utf8')).split('\n');
      // The manager writes texts.
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string);
    },
    rewriteConfig: writeConfig,
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      const pid = await readPid();
      child.kill('SIGKILL');
      await exited;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What comes of a start that is refused. */
export async function runManagedGateway(options: ManagedOptions): Promise<Outcome> {
  const { directory, child } = await spawnManaged(options);
  const outcome = await readOutcome(child);
  await rm(directory, { recursive: true, force: true });
  return outcome;
}

async function spawnManaged({ sockets, config, env }: ManagedOptions): Promise<{
  directory: string;
  child: Piped;
  writeConfig: (config: Readonly<Record<string, unknown>>) => Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-service-'));
  const configFile = join(directory, 'breakwater.json');
  const writeConfig = (written: Readonly<Record<string, unknown>>): Promise<void> =>
    writeFile(configFile, JSON.stringify(written));
  await writeConfig(config);
  const { command, args } = buildGatewayCommand([
    'up',
    '--config',
    configFile,
    '--state-dir',
    join(directory, 'state'),
  ]);
  const script = toCheckoutPath('test/support/service-manager.py');
  const child = spawnPiped([script, directory, ...sockets, '--', command, ...args], {
    ...buildGatewayEnvironment(),
    ...env,
  });
  return { directory, child, writeConfig };
}

type Piped = ChildProcessByStdio<null, Readable, Readable>;

function spawnPiped(args: readonly string[], env: NodeJS.ProcessEnv): Piped {
  return spawn('python3', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}
