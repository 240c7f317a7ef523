import type { Config } from '../../config/config.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { listSettings, printConfig } from '../../config/print.ts';
import { toPublicUrl } from '../../gateway/public-url.ts';
import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { toDiagnosticJson } from '../../lib/diagnostic-json.ts';
import { showDiagnostics, writeEnvelope, type CliContext } from '../context.ts';
import { parseAccessWords } from '../access-words.ts';
import { reportProblems } from '../failure.ts';
import { explainAccess, renderAccess } from './explain-access.ts';

export interface CheckOptions {
  readonly file?: string;
  readonly print: boolean;
  /** USER and TOOL: says for each route which rule decides. */
  readonly explainAccess?: readonly string[];
  /** Builds what needs more than the configuration itself, such as certificates, and listens on nothing. */
  readonly provision?: (config: Config) => Promise<readonly Diagnostic[]>;
}

/** Validates without listening. Standard output carries data only: the printed configuration, or the JSON envelope. */
export async function runCheck(options: CheckOptions, context: CliContext): Promise<number> {
  const { io } = context;
  const words = options.explainAccess === undefined ? undefined : parseAccessWords(options.explainAccess);
  const source = options.file === undefined ? {} : { file: options.file };
  const loaded = await loadConfig({ ...source, env: io.env, flags: {}, cwd: io.cwd, readFile: io.readFile });
  if (!loaded.ok) return refuse(loaded.error, context);
  const { config, warnings, provenance, file } = loaded.value;
  const provisioned = (await options.provision?.(config)) ?? [];
  const problems = [...provisioned, ...warnings];
  if (problems.some(({ severity }) => severity === 'error')) return refuse(problems, context);
  const access = words === undefined ? [] : explainAccess(config, words);
  if (context.json) {
    writeEnvelope(context, 'check', {
      ok: true,
      file: file ?? null,
      diagnostics: problems.map(toDiagnosticJson),
      ...(options.print ? { settings: listSettings(config, provenance) } : {}),
      ...(words === undefined ? {} : { access }),
    });
    return 0;
  }
  showDiagnostics(problems, context);
  if (options.print) io.stdout.write(printConfig(config, provenance));
  if (words !== undefined) io.stdout.write(renderAccess(access, words));
  if (!options.print && words === undefined) io.stderr.write(`${describe(loaded.value)}\n`);
  return 0;
}

function refuse(problems: readonly Diagnostic[], context: CliContext): number {
  if (context.json)
    writeEnvelope(context, 'check', { ok: false, diagnostics: problems.map(toDiagnosticJson) });
  return reportProblems(problems, context);
}

/** One line, and one more for each URL where there are several. */
function describe({ config, file }: LoadedConfig): string {
  const { listen, routes } = config;
  const count = routes.length === 1 ? '1 route' : `${routes.length} routes`;
  const urls =
    routes.length > 1 && listen.port !== 0 ? routes.map((route) => toPublicUrl(config, route)) : [];
  const said = `${file ?? 'the configuration'} is valid: ${count}, HTTPS on ${formatAuthority(listen.host, listen.port)}`;
  return [said, ...urls.map((url) => `  ${url}`)].join('\n');
}
