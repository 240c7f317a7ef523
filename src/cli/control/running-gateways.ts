import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { dirname, resolve } from 'node:path';
import { defaultFile } from '../../config/load.ts';
import { peekStateDir } from '../../config/peek-state-dir.ts';
import { defaultStateDir } from '../../config/state-dir.ts';
import { controlDirectory } from '../../gateway/control/control-server.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { listDirectory } from '../../state/directory.ts';
import { findSource } from '../certs/source.ts';
import type { CliContext } from '../context.ts';
import type { StateOptions } from '../state-source.ts';

/** A gateway that answers on its socket. */
export interface RunningGateway {
  readonly pid: number;
  /** Resolves to the answer, or to `undefined` once nobody is there any more. */
  ask(method: 'GET' | 'POST', path: string): Promise<unknown>;
}

/**
 * The gateways that run on a state directory, one as a rule. A configuration that cannot be read keeps nobody from asking those of the
 * directory that it names: its problems come back only where none runs there. Rejects with a GatewayError (E_NOT_RUNNING;
 * E_STATE_UNWRITABLE where nobody can tell, since the directory may not be read).
 */
export async function findRunningGateways(
  options: StateOptions,
  context: CliContext,
): Promise<Result<readonly [RunningGateway, ...RunningGateway[]], readonly Diagnostic[]>> {
  const source = await findSource(options, context);
  const stateDir = source.ok ? source.value.stateDir : await guessStateDir(options, context);
  const [first, ...others] = await listGateways(stateDir);
  if (first !== undefined) return ok([first, ...others]);
  if (!source.ok) return fail(source.error);
  throw new GatewayError('E_NOT_RUNNING', `no gateway answers in \`${stateDir}\``);
}

async function guessStateDir(options: StateOptions, { io }: CliContext): Promise<string> {
  const { env, cwd } = io;
  const named = options.stateDir ?? env['BREAKWATER_STATE_DIR'];
  if (named !== undefined) return resolve(cwd, named);
  const file = resolve(cwd, options.file ?? defaultFile);
  const text = await io.readFile(file).then(
    (bytes) => Buffer.from(bytes).toString(),
    () => '',
  );
  const peeked = peekStateDir(text);
  return peeked === undefined ? defaultStateDir(env, cwd) : resolve(dirname(file), peeked);
}

async function listGateways(stateDir: string): Promise<readonly RunningGateway[]> {
  const directory = resolve(stateDir, controlDirectory);
  const hint = 'run the command as the user that runs Breakwater';
  const entries = await listDirectory(directory, { hint });
  const found = entries
    .map(({ name }) => name)
    .filter((name) => /^\d+\.sock$/.test(name))
    .map((name) => ({ pid: Number.parseInt(name, 10), socketPath: resolve(directory, name) }))
    .sort((left, right) => left.pid - right.pid)
    .map(({ pid, socketPath }) => ({
      pid,
      ask: (method: string, path: string) => ask(socketPath, method, path),
    }));
  const answers = await Promise.all(found.map((gateway) => gateway.ask('GET', '/status')));
  return found.filter((_gateway, index) => answers[index] !== undefined);
}

function ask(socketPath: string, method: string, path: string): Promise<unknown> {
  const { promise, resolve: settle } = Promise.withResolvers<unknown>();
  const asked = request({ socketPath, method, path, agent: false }, (response) => {
    json(response).then(settle, () => settle(undefined));
  });
  // It has just gone, or was killed and left its socket behind.
  asked.on('error', () => settle(undefined));
  asked.end();
  return promise;
}
