import { startAskedProcess } from './asked-process.ts';
import type { LoadAnswer, LoadCommand, LoadReport } from './load-client-protocol.ts';

/** A well-behaved client in a process of its own that calls at a steady rate until it is stopped. */
export interface LoadClient extends AsyncDisposable {
  stop(): Promise<LoadReport>;
}

/** Resolves once its first call is answered. */
export async function startLoadClient(
  options: Omit<Extract<LoadCommand, { kind: 'start' }>, 'kind'>,
): Promise<LoadClient> {
  const program = new URL('load-client-process.ts', import.meta.url);
  const client = await startAskedProcess<LoadCommand, LoadAnswer>(program);
  await client.ask({ kind: 'start', ...options });
  return {
    async stop() {
      const answer = await client.ask({ kind: 'stop' });
      if (answer.kind !== 'stopped') throw new Error(`the steady client said ${answer.kind}`);
      return answer.report;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
