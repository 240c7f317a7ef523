import { loadConfig } from '../../config/load.ts';
import type { ConfigFlags } from '../../config/overlay.ts';
import { showDiagnostics, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';

export interface UpOptions {
  readonly file?: string;
  readonly flags: ConfigFlags;
  /** Reloads when the configuration file is written. */
  readonly watch?: boolean;
}

/** Loads the configuration, tells its problems, and hands over to the gateway until that has ended. */
export async function runUp(options: UpOptions, context: CliContext): Promise<number> {
  const { env, cwd, readFile } = context.io;
  const loaded = await loadConfig({ ...options, env, cwd, readFile });
  if (!loaded.ok) return reportProblems(loaded.error, context);
  if (!context.json) showDiagnostics(loaded.value.warnings, context);
  const { settleTerms } = await import('../up/terms.ts');
  const config = await settleTerms(loaded.value.config, context);
  const { runGateway } = await import('../up/run-gateway.ts');
  return runGateway({ ...loaded.value, config }, options, context);
}
