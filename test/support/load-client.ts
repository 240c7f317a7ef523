import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadAnswer, LoadCommand, LoadReport } from './load-client-protocol.ts';

/** A well-behaved client in a process of its own that calls at a steady rate until it is stopped. */
export interface LoadClient extends AsyncDisposable {
  stop(): Promise<LoadReport>;
}

/** Resolves once its first call is answered. */
export async function startLoadClient(
  options: Omit<Extract<LoadCommand, { kind: 'start' }>, 'kind'>,
): Promise<LoadClient> {
  const program = fileURLToPath(new URL('load-client-process.ts', import.meta.url));
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const ask = async (command: LoadCommand): Promise<LoadAnswer> => {
    const answer = once(child, 'message', { signal: ended.signal });
    child.send(command);
    // The program checks its answers against the same type.
    return (await answer)[0] as LoadAnswer;
  };
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error('the steady client has ended')));
  await ask({ kind: 'start', ...options });
  return {
    async stop() {
      const answer = await ask({ kind: 'stop' });
      if (answer.kind !== 'stopped') throw new Error(`the steady client said ${answer.kind}`);
      return answer.report;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
