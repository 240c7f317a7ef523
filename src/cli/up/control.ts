import type { LoadedConfig } from '../../config/load.ts';
import { openControlServer, type ControlServer } from '../../gateway/control/control-server.ts';
import type { LaunchedGateway } from '../../gateway/launch.ts';
import { isGatewayError, toProblem } from '../../lib/gateway-error.ts';
import { readVersion } from '../../lib/version.ts';
import { showDiagnostics, type CliContext } from '../context.ts';
import type { Reloader } from './reload.ts';

export interface ControlledGateway {
  readonly loaded: LoadedConfig;
  readonly launched: LaunchedGateway;
  readonly reloader: Reloader;
  readonly stop: (how: { readonly now: boolean }) => void;
}

/** Lets `breakwater status`, `reload` and `stop` reach this gateway. Without it traffic flows all the same, so it is only warned of. */
export async function openControl(
  { loaded, launched, reloader, stop }: ControlledGateway,
  context: CliContext,
): Promise<ControlServer> {
  const startedAt = new Date().toISOString();
  try {
    return await openControlServer(loaded.config.stateDir, {
      status: async () => ({
        version: readVersion(),
        pid: process.pid,
        startedAt,
        config: loaded.file ?? null,
        lastReload: reloader.last ?? null,
        ...(await launched.describe()),
      }),
      reload: () => reloader.reload(),
      async upgrade() {
        const result = await launched.upgrade();
        return { ok: result.ok, diagnostics: result.ok ? [] : result.error };
      },
      stop,
    });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    showDiagnostics([toProblem(error, 'warning')], context);
    return { close: () => Promise.resolve() };
  }
}
