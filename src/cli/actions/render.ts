import { resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { toDiagnosticJson } from '../../lib/diagnostic-json.ts';
import { errorCodes } from '../../lib/error-codes.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readVersion } from '../../lib/version.ts';
import { render } from '../../render/render.ts';
import type { Rendered, RenderWarning } from '../../render/rendered.ts';
import { isClusterTarget, isServiceTarget, type RenderTarget } from '../../render/target.ts';
import type { NginxDialect } from '../../render/targets/nginx.ts';
import { showDiagnostics, writeEnvelope, type CliContext } from '../context.ts';
import { exitOf, reportFailure, reportProblems } from '../failure.ts';
import { testRendered, type TestOutcome } from '../render/engine-test.ts';
import { writeRendered } from '../render/write-rendered.ts';

export interface RenderCommandOptions {
  readonly target: RenderTarget;
  readonly mode: 'direct' | 'front';
  /** Runs the target's own test. */
  readonly check: boolean;
  /** Replaces files that Breakwater did not write. */
  readonly force: boolean;
  readonly file?: string;
  /** File or folder; standard output where absent. */
  readonly output?: string;
  readonly nginxVersion?: string;
  /** Has systemd open the addresses. */
  readonly sockets: boolean;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Renders the configuration for another program. Standard output carries the text alone; what the program cannot do, and what it
 * says of the result, go to standard error.
 */
export async function runRender(options: RenderCommandOptions, context: CliContext): Promise<number> {
  const { target, mode, check, output } = options;
  const { io } = context;
  const nginxDialect = toDialect(options);
  if (options.sockets && target !== 'systemd')
    throw new GatewayError('E_USAGE', '`--sockets` is for systemd alone', { hint: 'leave it out' });
  const certificate = toCertificate(options, io.cwd);
  const source = options.file === undefined ? {} : { file: options.file };
  const loaded = await loadConfig({
    ...source,
    env: io.env,
    flags: {},
    cwd: io.cwd,
    readFile: io.readFile,
    // Those of a cluster are made in the cluster.
    secrets: isClusterTarget(target) ? 'named' : 'read',
  });
  if (!loaded.ok) return refuse(loaded.error, context);
  const { config, file, settings, warnings } = loaded.value;
  const rendered = render(config, {
    target,
    mode,
    version: readVersion(),
    settings,
    sockets: options.sockets,
    ...(file === undefined || file === '-' ? {} : { configPath: resolve(io.cwd, file) }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(nginxDialect === undefined ? {} : { nginxDialect }),
  });
  if (!rendered.ok) return refuse(rendered.error, context);
  const { files } = rendered.value;
  if (!context.json && output === undefined && !check && files.length > 1)
    throw new GatewayError('E_USAGE', `\`${target}\` takes ${files.length} files`, {
      hint: 'name a folder for them: `-o DIR`',
    });
  const limits = listLimits(rendered.value, options);
  if (!context.json)
    showDiagnostics([...warnings, ...limits.map((limit) => toDiagnostic(limit, options))], context);
  const outcome = check ? await testRendered(files, { target, env: io.env }) : undefined;
  if (outcome !== undefined && !context.json) io.stderr.write(outcome.output);
  const isRefused = outcome?.accepted === false;
  const written =
    output === undefined || isRefused
      ? []
      : await writeRendered(files, { output: toPath(output, io.cwd), force: options.force });
  if (context.json)
    writeEnvelope(context, 'render', {
      ok: !isRefused,
      target,
      mode: isServiceTarget(target) ? null : mode,
      files,
      warnings: limits,
      diagnostics: warnings.map(toDiagnosticJson),
      ...(outcome === undefined ? {} : { check: outcome }),
      written,
    });
  else if (output === undefined && !check) io.stdout.write(files.map(({ text }) => text).join(''));
  else io.stderr.write(written.map((path) => `wrote ${path}\n`).join(''));
  return isRefused ? reportRefusal(outcome, context) : 0;
}

function refuse(problems: readonly Diagnostic[], context: CliContext): number {
  if (context.json)
    writeEnvelope(context, 'render', { ok: false, diagnostics: problems.map(toDiagnosticJson) });
  return reportProblems(problems, context);
}

function reportRefusal({ program }: TestOutcome, context: CliContext): number {
  const code = 'E_RENDER_REFUSED';
  const message = `\`${program}\` refuses the configuration`;
  return reportFailure({ code, message, hint: errorCodes[code].fix, exit: exitOf(code) }, context);
}

function listLimits({ warnings }: Rendered, options: RenderCommandOptions): readonly RenderWarning[] {
  if (options.target !== 'nginx' || options.nginxVersion !== undefined) return warnings;
  return [
    ...warnings,
    {
      requirement: 'current-directives',
      message:
        'this is for nginx 1.25.1 and later; older ones do not start with it, and want `--nginx-version`',
    },
  ];
}

function toDiagnostic({ message }: RenderWarning, { target, mode }: RenderCommandOptions): Diagnostic {
  const isDirect = mode === 'direct' && !isServiceTarget(target);
  const fix = isDirect ? {} : { fix: 'see to it before you start it' };
  return { severity: 'warning', code: 'E_RENDER_PARTIAL', message, ...fix };
}

/** `http2` became a directive of its own with 1.25.1. */
function toDialect({ target, nginxVersion }: RenderCommandOptions): NginxDialect | undefined {
  if (nginxVersion === undefined) return undefined;
  if (target !== 'nginx')
    throw new GatewayError('E_USAGE', '`--nginx-version` is for nginx alone', { hint: 'leave it out' });
  const match = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?$/.exec(nginxVersion);
  if (match === null)
    throw new GatewayError('E_USAGE', `\`${nginxVersion}\` is not a version of nginx`, {
      hint: 'write it as `nginx -v` says it: `1.22.1`',
    });
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const isOlder = major < 1 || (major === 1 && (minor < 25 || (minor === 25 && patch < 1)));
  return isOlder ? '1.22' : '1.25';
}

function toCertificate(
  { cert, key }: RenderCommandOptions,
  cwd: string,
): { readonly cert: string; readonly key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert: resolve(cwd, cert), key: resolve(cwd, key) };
  throw new GatewayError('E_USAGE', 'a certificate and its key belong together', {
    hint: 'give both `--cert` and `--key`',
  });
}

/** Keeps the slash at the end that says "a folder". */
function toPath(output: string, cwd: string): string {
  return `${resolve(cwd, output)}${output.endsWith('/') ? '/' : ''}`;
}
