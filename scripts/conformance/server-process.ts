import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildGatewayCommand, buildGatewayEnvironment } from '../../test/support/gateway-program.ts';

const startLimitMs = 20_000;
const stopLimitMs = 10_000;

/** A server in a process of its own, which printed its URL. */
export interface RunningServer {
  readonly url: string;
  /** Ends the process with SIGTERM and returns what it wrote to stderr; may be called again. */
  stop(): Promise<string>;
}

export interface RunningGateway extends RunningServer {
  /** The certificate of the local CA that signed the gateway's own. */
  readonly caFile: string;
}

/** Starts the fixture server of the suite on a free port. */
export function startFixture(): Promise<RunningServer> {
  const program = new URL('../../test/fixtures/conformance-server/server.ts', import.meta.url);
  const args = [fileURLToPath(program), '0'];
  return startServer('the fixture server', { command: process.execPath, args });
}

/** Starts the built gateway, or the executable that `BREAKWATER_EXECUTABLE` names, on a free loopback port in front of an upstream, with a new local CA. */
export async function startGateway(upstream: string): Promise<RunningGateway> {
  const state = await mkdtemp(join(tmpdir(), 'breakwater-state-'));
  const removeState = (): Promise<void> => rm(state, { recursive: true, force: true });
  try {
    const up = ['up', upstream, '--listen', '127.0.0.1:0', '--state-dir', state];
    const server = await startServer('the gateway', buildGatewayCommand(up));
    return {
      url: server.url,
      caFile: join(state, 'local-ca', 'ca.pem'),
      async stop() {
        const log = await server.stop();
        await removeState();
        return log;
      },
    };
  } catch (cause) {
    await removeState();
    throw cause;
  }
}

async function startServer(
  what: string,
  { command, args }: { readonly command: string; readonly args: readonly string[] },
): Promise<RunningServer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: buildGatewayEnvironment() });
  const killOnExit = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', killOnExit);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const closed = once(child, 'close').finally(() => process.off('exit', killOnExit));
  const lines = createInterface({ input: child.stdout });
  const url = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    closed.then(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(resolve, startLimitMs, undefined).unref()),
  ]);
  if (url === undefined || !URL.canParse(url)) {
    await end(child, closed);
    throw new Error(`${what} did not print its URL${url === undefined ? '' : ` but '${url}'`}:\n${log}`);
  }
  return {
    url,
    async stop() {
      await end(child, closed);
      return log;
    },
  };
}

async function end(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await closed;
  clearTimeout(timer);
}
