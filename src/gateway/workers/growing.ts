import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { LaunchedGateway, LaunchedWorker, ReloadFacts } from '../launch.ts';
import { findUnchangeable, type WantedConfig } from '../wanted-config.ts';

export interface GrowingOptions {
  /** What `alone` was started with. */
  readonly wanted: WantedConfig;
  /** Starts workers in the place of `alone`, which goes on when none can start. */
  readonly supervise: (
    wanted: WantedConfig,
    alone: LaunchedWorker,
  ) => Promise<Result<LaunchedGateway, readonly Diagnostic[]>>;
}

/**
 * A gateway of one process, which becomes the supervisor of workers once it is to be several, or the program on disk is to take its
 * place. From then on it stays one, also of a single worker.
 */
export function toGrowing(
  alone: LaunchedWorker,
  { wanted: first, supervise }: GrowingOptions,
): LaunchedGateway {
  const changes = new SerialQueue();
  let wanted = first;
  let supervised: LaunchedGateway | undefined;
  let isStopping = false;
  const grow = async (next: WantedConfig): Promise<Result<ReloadFacts, readonly Diagnostic[]>> => {
    const refusal = findUnchangeable(wanted.config, next.config);
    if (refusal !== undefined) return fail([refusal]);
    const result = await supervise(next, alone);
    if (!result.ok) return result;
    supervised = result.value;
    const { warnings, routes } = supervised.facts;
    return ok({ warnings, urls: routes.map(({ url }) => url) });
  };
  return {
    facts: alone.facts,
    async describe() {
      const described = await (supervised ?? alone).describe();
      return isStopping ? { ...described, state: 'draining' } : described;
    },
    reload: (next) =>
      changes.run(async () => {
        if (supervised !== undefined) return supervised.reload(next);
        const result = next.config.workers === 1 ? await alone.reload(next) : await grow(next);
        if (result.ok) wanted = next;
        return result;
      }),
    upgrade: () =>
      changes.run(async () => {
        if (supervised !== undefined) return supervised.upgrade();
        const result = await grow(wanted);
        return result.ok ? ok(undefined) : result;
      }),
    async stop(how) {
      // A change that runs is waited for, and who asks meanwhile hears of the end already.
      isStopping = true;
      await changes.settle();
      await (supervised ?? alone).stop(how);
    },
    hasten: () => (supervised ?? alone).hasten(),
  };
}
