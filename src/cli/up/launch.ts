import type { Config } from '../../config/config.ts';
import { readListeningAddress, takeHandedSockets } from '../../gateway/handed-sockets.ts';
import {
  launchGateway,
  type LaunchedGateway,
  type LaunchOptions,
  type WantedConfig,
} from '../../gateway/launch.ts';
import { openLogs } from '../../gateway/logs.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import type { Result } from '../../lib/result.ts';
import { showDiagnostics, type CliContext } from '../context.ts';

/** Bun does not hand connections to its workers (https://bun.com/docs/runtime/nodejs-apis, node:cluster). */
const canFork = process.versions.bun === undefined;

const oneProcess: Diagnostic = {
  severity: 'warning',
  code: 'E_CONFIG_RISK',
  message: '`workers` has no effect in the single executable, which is one process',
  fix: 'run the npm package where one core is not enough',
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
  options: LaunchOptions,
  context: CliContext,
): Promise<Result<LaunchedGateway, readonly Diagnostic[]>> {
  const handed = takeHandedSockets(process.env, { pid: process.pid, readAddress: readListeningAddress });
  if (!handed.ok) return handed;
  const fit = <T extends WantedConfig>(wanted: T): T => {
    const { config, warning } = fitWorkers(wanted.config, { canFork });
    if (warning !== undefined) showDiagnostics([warning], context);
    return { ...wanted, config };
  };
  const fitted = { ...fit(options), handed: handed.value };
  if (fitted.config.workers === 1) {
    const launched = await launchGateway(fitted);
    if (!launched.ok) return launched;
    const { value } = launched;
    return { ok: true, value: { ...value, reload: (next) => value.reload(fit(next)) } };
  }
  const { config, terminal } = fitted;
  const { superviseGateway } = await import('../../gateway/workers/supervisor.ts');
  const { log } = openLogs(
    { ...config, log: { ...config.log, access: { kind: 'off' } } },
    { terminal, clock: systemClock },
  );
  return superviseGateway({ ...fitted, log });
}
