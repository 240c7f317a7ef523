import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisSettings } from '../../src/state/redis/redis-settings.ts';
import {
  acceptsConnections,
  findFreePort,
  programsAreMandatory,
  toProgramPath,
  type Program,
} from './programs.ts';
import { until } from './until.ts';

const places = ['/usr/bin/redis-server', '/usr/bin/valkey-server', '/usr/local/bin/redis-server'];
const startMilliseconds = 10_000;

/** Debian's Redis, or Valkey. */
function findRedisServer(): Program {
  const path = places.find((candidate) => existsSync(candidate));
  return path === undefined
    ? { kind: 'missing', reason: `no Redis (tried ${places.join(', ')})` }
    : { kind: 'found', path };
}

/** Whether tests that need Redis may be skipped. */
export const redisIsExcused: boolean = findRedisServer().kind === 'missing' && !programsAreMandatory;

/** A Redis of a test's own, on a loopback port, with a folder for its data. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** Where it keeps its data, and whatever a test puts there. */
  readonly folder: string;
  /** Runs one command with redis-cli and returns what it printed. */
  cli(...words: readonly string[]): string;
  /** SIGKILL; the port stays ours. */
  kill(): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on its port, with its data. */
  start(): Promise<void>;
}

/** `args` come last, so they win; nothing is written to the disk unless they say so. */
export async function startRedisServer(
  args: readonly string[] = [],
  given: { readonly password?: string } = {},
): Promise<RedisServer> {
  const program = toProgramPath(findRedisServer());
  const port = await findFreePort();
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-redis-'));
  const login = given.password === undefined ? [] : ['--requirepass', given.password];
  const all = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...login, ...args];

  async function begin(): Promise<ReturnType<typeof spawn>> {
    const child = spawn(program, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed = (printed + text).slice(-10_000);
      });
    }
    const isUp = (): boolean | Promise<boolean> => child.exitCode !== null || acceptsConnections(port);
    await until(isUp, startMilliseconds);
    if (child.exitCode !== null || !(await acceptsConnections(port))) {
      child.kill('SIGKILL');
      throw new Error(`redis-server ${all.join(' ')} does not listen:\n${printed}`);
    }
    return child;
  }

  let child = await begin();
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    port,
    folder,
    cli(...words) {
      const password = given.password === undefined ? [] : ['-a', given.password, '--no-auth-warning'];
      const { stdout, stderr } = spawnSync('redis-cli', ['-p', `${port}`, ...password, ...words], {
        encoding: 'utf8',
      });
      return `${stdout}${stderr}`.trim();
    },
    kill,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async start() {
      child = await begin();
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', killOnExit);
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How a gateway would be told of a server on a loopback port. */
export function toRedisSettings(port: number, rest: Partial<RedisSettings> = {}): RedisSettings {
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port, secure: false },
    user: undefined,
    password: undefined,
    passwordSource: undefined,
    database: 0,
    prefix: '{breakwater}:',
    ca: undefined,
    ...rest,
  };
}
