import type { Config } from '../../config/config.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import type { LaunchedGateway } from '../../gateway/launch.ts';
import type { ReloadAnswer } from '../../gateway/control/control-server.ts';
import type { LastReload } from '../../gateway/control/status.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { isGatewayError, toProblem } from '../../lib/gateway-error.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { UpOptions } from '../actions/up.ts';
import { showDiagnostics, writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import type { ServiceManager } from './service-manager.ts';
import { settleTerms } from './terms.ts';

export interface Reloader {
  /** Reads the configuration again and serves by it; when it cannot be used, the one before goes on. Never rejects. */
  reload(): Promise<ReloadAnswer>;
  readonly last: LastReload | undefined;
  /** What is served by now. */
  readonly config: Config;
}

export interface ReloaderOptions {
  readonly up: UpOptions;
  /** What `up` was started with. */
  readonly config: Config;
  readonly launched: Pick<LaunchedGateway, 'reload'>;
  readonly manager: Pick<ServiceManager, 'ready' | 'reloading'>;
}

/** Reads everything that `up` was started with once more: the same file and flags, today's environment and files. */
export function createReloader(
  { up, config: first, launched, manager }: ReloaderOptions,
  context: CliContext,
): Reloader {
  let last: LastReload | undefined;
  let config = first;
  return {
    get config() {
      return config;
    },
    get last() {
      return last;
    },
    async reload() {
      manager.reloading();
      const loaded = await readAgain(up, context);
      const result = loaded.ok ? await launched.reload(loaded.value) : loaded;
      if (loaded.ok && result.ok) ({ config } = loaded.value);
      const answer = toAnswer(result, loaded.ok ? loaded.value.warnings : []);
      last = {
        at: new Date().toISOString(),
        problems: answer.ok ? [] : answer.diagnostics.map(({ message }) => message),
      };
      manager.ready(toStatus(answer));
      tell(answer, context);
      return answer;
    },
  };
}

async function readAgain(
  options: UpOptions,
  context: CliContext,
): Promise<Result<LoadedConfig, readonly Diagnostic[]>> {
  if (options.file === '-') {
    const message = 'the configuration came from standard input, which cannot be read again';
    return fail([{ severity: 'error', code: 'E_RELOAD_REFUSED', message }]);
  }
  const { env, cwd, readFile } = context.io;
  try {
    const loaded = await loadConfig({ ...options, env, cwd, readFile });
    if (!loaded.ok) return loaded;
    // Nobody sits there to be asked.
    const config = await settleTerms(loaded.value.config, { ...context, json: true });
    return ok({ ...loaded.value, config });
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return fail([toProblem(error)]);
  }
}

function toAnswer(
  result: Awaited<ReturnType<LaunchedGateway['reload']>>,
  warnings: readonly Diagnostic[],
): ReloadAnswer {
  return result.ok
    ? { ok: true, urls: result.value.urls, diagnostics: [...warnings, ...result.value.warnings] }
    : { ok: false, urls: [], diagnostics: [...result.error, ...warnings] };
}

function toStatus({ ok: isDone, urls, diagnostics }: ReloadAnswer): string {
  if (isDone) return toServingStatus(urls);
  const [first] = diagnostics;
  return `serving; the last reload was refused: ${first?.message ?? ''}`;
}

/** One line on what is served. */
export function toServingStatus(urls: readonly string[]): string {
  return `serving ${urls.join(', ')}`;
}

function tell({ ok: isDone, urls, diagnostics }: ReloadAnswer, context: CliContext): void {
  const { stderr } = context.io;
  if (!isDone) {
    reportProblems(diagnostics, context);
    if (!context.json) stderr.write('Not reloaded: the configuration before is still in use.\n');
  } else if (context.json) writeEnvelope(context, 'reload', { urls });
  else {
    showDiagnostics(diagnostics, context);
    stderr.write(`Reloaded: ${urls.join(', ')}\n`);
  }
}
