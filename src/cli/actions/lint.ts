import { readdir, stat, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { toDiagnosticJson } from '../../lib/diagnostic-json.ts';
import { renderProblems } from '../../lib/diagnostic-text.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { isAtLeast, type Finding, type FindingSeverity, type LintEngine } from '../../render/lint/finding.ts';
import { toFindingJson, toProblem } from '../../render/lint/finding-form.ts';
import { fixConfiguration, type FixedText } from '../../render/lint/fix.ts';
import { lintConfiguration, type LintOptions, type LintReport } from '../../render/lint/lint.ts';
import { maxFileBytes, type LintFiles } from '../../render/lint/load-tree.ts';
import { usesColor, writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { readNamedFile } from '../read-named-file.ts';

export interface LintCommandOptions {
  /** `-` is standard input. */
  readonly file: string;
  readonly engine?: LintEngine;
  readonly path?: string;
  readonly version?: string;
  readonly fix: boolean;
  readonly inPlace: boolean;
  readonly output?: string;
  readonly failOn: FindingSeverity;
  /** The file system, for tests. */
  readonly disk?: LintDisk;
}

export interface LintDisk {
  readonly list: LintFiles['list'];
  /** Bytes of a regular file; anything else, such as a device that never ends, rejects. */
  readonly sizeOf: (path: string) => Promise<number>;
  readonly write: (path: string, text: string) => Promise<void>;
}

/** Standing in the current folder, so that relative includes are found there. */
const standardInput = 'standard input';

const processDisk: LintDisk = {
  list: (folder) => readdir(folder),
  sizeOf: async (path) => {
    const facts = await stat(path);
    if (!facts.isFile()) throw new Error('not a regular file');
    return facts.size;
  },
  write: (path, text) => writeFile(path, text),
};

/** Findings go to standard output, which is what was asked for; the exit code is 5 when one is at or above `failOn`. */
export async function runLint(options: LintCommandOptions, context: CliContext): Promise<number> {
  refuseContradictions(options);
  const { io } = context;
  const disk = options.disk ?? processDisk;
  const file = options.file === '-' ? '-' : resolve(io.cwd, options.file);
  const { engine, path, version } = options;
  const lintOptions: LintOptions = {
    file: file === '-' ? resolve(io.cwd, standardInput) : file,
    bytes: await readNamedFile(file, context, 'E_CONFIG_FILE'),
    files: {
      read: async (included) => {
        if ((await disk.sizeOf(included)) > maxFileBytes) throw new Error('too large');
        return io.readFile(included);
      },
      list: disk.list,
    },
    nameOf: (name) => shorten(name, io.cwd),
    ...(engine === undefined ? {} : { engine }),
    ...(path === undefined ? {} : { path }),
    ...(version === undefined ? {} : { version }),
  };
  const linted = await lintConfiguration(lintOptions);
  if (!linted.ok) {
    if (context.json)
      writeEnvelope(context, 'lint', { ok: false, diagnostics: linted.error.map(toDiagnosticJson) });
    return reportProblems(linted.error, context);
  }
  const fixed = options.fix
    ? await writeFixed({ report: linted.value, lintOptions, options, disk }, context)
    : undefined;
  const { findings } = linted.value;
  if (context.json) showJson({ report: linted.value, fixed }, context);
  else showText({ report: linted.value, fixed, path: fixedPath(options) }, context);
  // What was corrected is no failure any more.
  const counted = fixed === undefined ? findings : fixed.report.findings;
  return counted.some(({ severity }) => isAtLeast(severity, options.failOn)) ? 5 : 0;
}

function refuseContradictions({ fix, inPlace, output, file, path, version }: LintCommandOptions): void {
  if (!fix && (inPlace || output !== undefined)) {
    throw new GatewayError('E_USAGE', '`--output` and `--in-place` say where `--fix` writes', {
      hint: 'add `--fix`',
    });
  }
  if (inPlace && (output !== undefined || file === '-')) {
    throw new GatewayError('E_USAGE', '`--in-place` needs a file and no `--output`', {
      hint: 'leave one of them out',
    });
  }
  if (path !== undefined && !path.startsWith('/')) {
    throw new GatewayError('E_USAGE', `\`${path}\` is no path`, {
      hint: 'begin it with `/`, such as `/mcp`',
    });
  }
  if (version !== undefined && !/^\d+(?:\.\d+){1,3}$/.test(version)) {
    throw new GatewayError('E_USAGE', `\`${version}\` is no version`, { hint: 'write it as `1.25.1`' });
  }
}

async function writeFixed(
  task: {
    readonly report: LintReport;
    readonly lintOptions: LintOptions;
    readonly options: LintCommandOptions;
    readonly disk: LintDisk;
  },
  context: CliContext,
): Promise<FixedText> {
  const { report, lintOptions, options, disk } = task;
  if (report.engine !== 'nginx') {
    throw new GatewayError(
      'E_USAGE',
      `\`--fix\` corrects nginx configurations, and this is one of ${report.engine}`,
      {
        hint: 'leave `--fix` out: each finding shows the corrected lines',
      },
    );
  }
  const fixed = await fixConfiguration(lintOptions, report);
  const path = fixedPath(options);
  if (path === '-') {
    if (!context.json) context.io.stdout.write(fixed.text);
  } else {
    await disk.write(resolve(context.io.cwd, path), fixed.text);
  }
  return fixed;
}

function fixedPath({ output, inPlace, file }: LintCommandOptions): string {
  if (output !== undefined) return output;
  return inPlace || file === '-' ? file : `${file}.fixed`;
}

function showText(
  shown: { readonly report: LintReport; readonly fixed: FixedText | undefined; readonly path: string },
  context: CliContext,
): void {
  const { report, fixed, path } = shown;
  const { stdout, stderr, unicode } = context.io;
  const color = context.color === 'auto' ? stdout.hasColors : usesColor(context);
  // A corrected copy on standard output is alone there.
  const out = fixed !== undefined && path === '-' ? stderr : stdout;
  const findings = fixed === undefined ? report.findings : fixed.report.findings;
  const frames = renderProblems(findings.map(toProblem), { color, unicode, width: stdout.columns, max: 200 });
  out.write(frames === '' ? '' : `${frames}\n`);
  if (fixed !== undefined) {
    const where = path === '-' ? 'standard output' : path;
    out.write(`${fixed.fixed.length} of ${count(report.findings.length, 'finding')} corrected in ${where}\n`);
  }
  out.write(`${summarize(report, findings)}\n`);
}

function showJson(
  { report, fixed }: { readonly report: LintReport; readonly fixed: FixedText | undefined },
  context: CliContext,
): void {
  writeEnvelope(context, 'lint', {
    ok: true,
    engine: report.engine,
    file: report.file,
    findings: report.findings.map(toFindingJson),
    ...(fixed === undefined
      ? {}
      : {
          fixed: fixed.fixed.map(({ id }) => id),
          left: fixed.report.findings.map(toFindingJson),
          text: fixed.text,
        }),
  });
}

function summarize({ engine, file }: LintReport, findings: readonly Finding[]): string {
  const of = (severity: FindingSeverity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  if (findings.length === 0) return `${file}: nothing found (${engine})`;
  return `${file}: ${count(of('error'), 'error')}, ${count(of('warning'), 'warning')}, ${of('info')} info (${engine})`;
}

/** Files below the current folder are named from there. */
function shorten(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === '' || short.startsWith('..') ? file : short;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
