import type { LaunchedWorker } from '../launch.ts';
import type { ToWorker } from './messages.ts';
import type { Answer, WorkerEvents, WorkerHandle } from './worker-handle.ts';

/** What served alone in this process, as a worker of the supervisor that the process has become. */
export function toWorkerHere(
  { gateway, ...launched }: LaunchedWorker,
  { onExit }: Pick<WorkerEvents, 'onExit'>,
): WorkerHandle {
  let isStopping = false;
  const answer = async (message: ToWorker): Promise<Answer | undefined> => {
    if (message.kind === 'describe')
      return { kind: 'described', ask: message.ask, description: await launched.describe() };
    if (message.kind === 'reload')
      return { kind: 'reloaded', ask: message.ask, result: await launched.reload(message.wanted) };
    return undefined;
  };
  return {
    // Those of other processes begin with one.
    id: 0,
    pid: process.pid,
    tell(message) {
      switch (message.kind) {
        case 'stop':
          if (!isStopping) void launched.stop(message).finally(() => onExit(0));
          isStopping = true;
          return true;
        case 'hasten':
          launched.hasten();
          return true;
        case 'news':
          gateway.hear(message.from, message.news);
          return true;
        case 'gone':
          gateway.forget(message.worker);
          return true;
        case 'start':
        case 'reload':
        case 'describe':
        case 'opened':
        case 'connection':
        case 'closed':
          // It runs, is asked by `ask`, and has its doors of itself.
          return true;
      }
    },
    async ask(build, kind) {
      const found = await answer(build(0));
      return found?.kind === kind ? (found as Extract<Answer, { readonly kind: typeof kind }>) : undefined;
    },
    kill: () => launched.hasten(),
  };
}
