import type { Config } from '../../config/config.ts';
import { readListeningAddress, takeHandedSockets } from '../../gateway/listening/handed-sockets.ts';
import {
  launchGateway,
  type LaunchedGateway,
  type LaunchedWorker,
  type LaunchOptions,
} from '../../gateway/launch.ts';
import { BoundDoors } from '../../gateway/listening/bound-doors.ts';
import { openLogs } from '../../gateway/logs.ts';
import type { WantedConfig } from '../../gateway/wanted-config.ts';
import { toGrowing } from '../../gateway/workers/growing.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { showDiagnostics, type CliContext } from '../context.ts';

/** Bun does not hand connections to its workers (https://bun.com/docs/runtime/nodejs-apis, node:cluster). */
const canFork = process.versions.bun === undefined;

const oneProcess: Diagnostic = {
  severity: 'warning',
  code: 'E_CONFIG_RISK',
  message: '`workers` has no effect in the single executable, which is one process',
  fix: 'run the npm package where one core is not enough',
};

const irreplaceable: Diagnostic = {
  severity: 'error',
  code: 'E_RELOAD_REFUSED',
  message: 'the single executable cannot be replaced while it runs',
  fix: 'stop it and start the new one; its streams come back by themselves',
};

/** The configuration as this runtime can have it, and what is to be said of that. */
export function fitWorkers(
  config: Config,
  runtime: { readonly canFork: boolean },
): { readonly config: Config; readonly warning: Diagnostic | undefined } {
  if (config.workers === 1 || runtime.canFork) return { config, warning: undefined };
  return { config: { ...config, workers: 1 }, warning: oneProcess };
}

/** One process, or a supervisor of several; on the sockets of the service manager, where it has handed some over. */
export async function launch(
  options: Omit<LaunchOptions, 'doors' | 'handed'>,
  context: CliContext,
): Promise<Result<LaunchedGateway, readonly Diagnostic[]>> {
  const handed = takeHandedSockets(process.env, { pid: process.pid, readAddress: readListeningAddress });
  if (!handed.ok) return handed;
  const doors = new BoundDoors(handed.value);
  const fit = <T extends WantedConfig>(wanted: T): T => {
    const { config, warning } = fitWorkers(wanted.config, { canFork });
    if (warning !== undefined) showDiagnostics([warning], context);
    return { ...wanted, config };
  };
  const supervise = async (
    wanted: WantedConfig,
    alone?: LaunchedWorker,
  ): Promise<Result<LaunchedGateway, readonly Diagnostic[]>> => {
    const { config } = wanted;
    const { superviseGateway } = await import('../../gateway/workers/supervisor.ts');
    const { log } = await openLogs(
      { ...config, log: { ...config.log, access: { kind: 'off' } } },
      { terminal: options.terminal, clock: systemClock },
    );
    return superviseGateway({ ...options, ...wanted, handed: handed.value, doors, log, alone });
  };
  const wanted = fit(options);
  if (wanted.config.workers > 1) return supervise(wanted);
  const launched = await launchGateway({ ...wanted, handed: handed.value, doors });
  if (!launched.ok) return launched;
  const { value: alone } = launched;
  if (canFork) return ok(toGrowing(alone, { wanted, supervise }));
  return ok({
    ...alone,
    reload: (next) => alone.reload(fit(next)),
    upgrade: () => Promise.resolve(fail([irreplaceable])),
  });
}
