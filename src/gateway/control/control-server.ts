import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { ensurePrivateDirectory } from '../../state/directory.ts';
import type { GatewayStatus } from './status.ts';

/** What a running gateway can be asked by commands on the same machine. */
export interface Controls {
  status(): Promise<GatewayStatus>;
  /** Reads the configuration again; the problems that kept it from being used, or warnings alone. */
  reload(): Promise<ReloadAnswer>;
  /** Has the program on disk take the place of the one that runs; the problems that kept it from it. */
  upgrade(): Promise<UpgradeAnswer>;
  /** Begins to drain; `now` gives up what runs. */
  stop(how: { readonly now: boolean }): void;
}

export interface ReloadAnswer {
  readonly ok: boolean;
  readonly urls: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface UpgradeAnswer {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ControlServer {
  /** Idempotent; never rejects. */
  close(): Promise<void>;
}

/** Directory of the sockets, below the state directory; one for each process. */
export const controlDirectory = 'control';

/** `sun_path` of Linux holds 108 bytes with the final zero (unix(7)). */
const LONGEST_PATH = 107;

/**
 * Listens on a socket in the state directory, which its owner alone can reach: whoever may open it may also change the files that it
 * speaks about. Rejects with a GatewayError (E_CONTROL_UNAVAILABLE, E_STATE_UNWRITABLE).
 */
export async function openControlServer(stateDir: string, controls: Controls): Promise<ControlServer> {
  const directory = join(stateDir, controlDirectory);
  const path = join(directory, `${process.pid}.sock`);
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new GatewayError('E_CONTROL_UNAVAILABLE', `\`${path}\` is too long for a socket`);
  await ensurePrivateDirectory(directory);
  await removeAbandoned(directory);
  const server = createServer((request, response) => {
    void answer(controls, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
  });
  server.on('clientError', (_error, socket) => void socket.destroy());
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (error) {
    throw new GatewayError('E_CONTROL_UNAVAILABLE', `cannot listen on \`${path}\``, { cause: error });
  }
  // Commands come and go; the gateway lives by its own sockets alone.
  server.unref();
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      // Nobody answers on a socket that stays; the next gateway takes it away.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

interface Answered {
  readonly status: number;
  readonly body: object;
}

async function answer(controls: Controls, { method, url }: IncomingMessage): Promise<Answered> {
  switch (`${method} ${url}`) {
    case 'GET /status':
      return { status: 200, body: await controls.status() };
    case 'POST /reload':
      return { status: 200, body: await controls.reload() };
    case 'POST /upgrade':
      return { status: 200, body: await controls.upgrade() };
    case 'POST /stop':
    case 'POST /stop?now':
      controls.stop({ now: url === '/stop?now' });
      return { status: 202, body: await controls.status() };
    default:
      return { status: 404, body: { error: 'unknown' } };
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' });
  response.end(JSON.stringify(body));
}

/** Sockets stay behind when a process is killed; nobody answers on them. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (name.endsWith('.sock') && !(await isAnswered(path))) await rm(path, { force: true });
  }
}

function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path);
  return once(socket, 'connect').then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
