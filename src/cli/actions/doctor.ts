import { resolve } from 'node:path';
import { applyBaseline, parseBaseline, type Baseline } from '../../doctor/baseline.ts';
import { allChecks, findCheck } from '../../doctor/all-checks.ts';
import type { Severity } from '../../doctor/check.ts';
import type { Facts, Target } from '../../doctor/facts.ts';
import { gather } from '../../doctor/gather.ts';
import { judge } from '../../doctor/judge.ts';
import { buildRoots } from '../../doctor/probe/roots.ts';
import { readFacts } from '../../doctor/read-facts.ts';
import type { Report } from '../../doctor/report.ts';
import { parseTarget } from '../../doctor/target.ts';
import { systemClock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { suggestion, toHint } from '../../lib/suggestion.ts';
import { readVersion } from '../../lib/version.ts';
import { isAtLeast } from '../../render/lint/finding.ts';
import { formatColumns } from '../columns.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { readCredential } from '../doctor/credential.ts';
import { createProgress } from '../doctor/progress.ts';
import { writeBundle, writeFacts, writeReport, type ReportFormat } from '../doctor/write-report.ts';
import { readNamedFile } from '../read-named-file.ts';

export interface DoctorCommandOptions {
  readonly url?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  readonly login?: boolean;
  readonly ca?: string;
  readonly httpPort?: string;
  readonly idle?: string;
  readonly call?: string;
  readonly register?: boolean;
  readonly from?: string;
  readonly facts?: string;
  readonly check?: string;
  readonly list?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly format: ReportFormat;
  readonly output?: string;
  readonly baseline?: string;
  readonly failOn: Severity;
  readonly bundle?: string;
}

/** Checks that say that there is nobody to talk to. */
const unreachable: ReadonlySet<string> = new Set([
  'dns-unresolved',
  'tcp-unreachable',
  'tls-none',
  'http-no-answer',
]);

/** The report goes to standard output, which is what was asked for; the exit code tells the worst of it. */
export async function runDoctor(options: DoctorCommandOptions, context: CliContext): Promise<number> {
  if (options.list === true) return listChecks(context);
  refuseContradictions(options);
  const only = options.check === undefined ? undefined : requireCheck(options.check);
  const baseline = await readBaseline(options.baseline, context);
  const facts =
    options.from === undefined ? await ask(options, context) : await readSaved(options.from, context);
  const judged = judgeFacts(facts, only === undefined ? allChecks : [only], options.from);
  const { report, stale } =
    baseline === undefined
      ? { report: judged, stale: [] }
      : applyBaseline(judged, baseline, systemClock.now());
  if (options.facts !== undefined) await writeFacts(facts, resolve(context.io.cwd, options.facts));
  if (options.bundle !== undefined)
    await writeBundle(report, resolve(context.io.cwd, options.bundle), context);
  if (options.quiet !== true) await writeReport(report, options, context);
  for (const entry of stale) context.io.stderr.write(`stale in the baseline: ${entry}\n`);
  return toExit(report, { failOn: options.failOn, isStale: stale.length > 0 });
}

/** Facts from a file may be anything below their outer form, and checks believe their types. */
function judgeFacts(facts: Facts, checks: typeof allChecks, file: string | undefined): Report {
  if (file === undefined) return judge(facts, checks);
  try {
    return judge(facts, checks);
  } catch (cause) {
    throw new GatewayError('E_USAGE', `\`${file}\` cannot be judged: it is not as doctor wrote it`, {
      hint: 'name a file that `breakwater doctor URL --facts FILE` wrote',
      cause,
    });
  }
}

function toExit(
  { results }: Report,
  { failOn, isStale }: { readonly failOn: Severity; readonly isStale: boolean },
): number {
  const counted = results.filter(
    ({ status, severity, baselined }) => status === 'fail' && !baselined && isAtLeast(severity, failOn),
  );
  if (counted.some(({ id }) => unreachable.has(id))) return 4;
  if (counted.some(({ id }) => id === 'oauth-token-refused')) return 3;
  return counted.length > 0 || isStale ? 5 : 0;
}

async function ask(options: DoctorCommandOptions, context: CliContext): Promise<Facts> {
  const target = requireTarget(options.url);
  const ca = options.ca === undefined ? undefined : await readText(options.ca, context);
  const roots = buildRoots(ca);
  if (!roots.ok) {
    throw new GatewayError('E_USAGE', `\`${options.ca ?? ''}\` holds no certificates (${roots.error})`, {
      hint: 'name a PEM file with the roots',
    });
  }
  const idle = options.idle === undefined ? undefined : requireDuration(options.idle);
  const httpPort = options.httpPort === undefined ? undefined : requirePort(options.httpPort);
  const credential = await readCredential(target, options, context);
  const progress = createProgress(context);
  try {
    return await gather(target, {
      version: readVersion(),
      roots: roots.value,
      register: options.register === true,
      report: progress.report,
      ...(credential === undefined ? {} : { credential: { Authorization: `Bearer ${credential}` } }),
      ...(idle === undefined ? {} : { idle }),
      ...(httpPort === undefined ? {} : { httpPort }),
      ...(options.call === undefined ? {} : { call: options.call }),
    });
  } finally {
    progress.end();
  }
}

async function readSaved(file: string, context: CliContext): Promise<Facts> {
  const facts = readFacts(await readText(file, context));
  if (facts.ok) return facts.value;
  throw new GatewayError('E_USAGE', `\`${file}\` cannot be judged: ${facts.error}`, {
    hint: 'name a file that `breakwater doctor URL --facts FILE` wrote',
  });
}

async function readBaseline(file: string | undefined, context: CliContext): Promise<Baseline | undefined> {
  if (file === undefined) return undefined;
  const baseline = parseBaseline(await readText(file, context));
  if (baseline.ok) return baseline.value;
  throw new GatewayError('E_USAGE', `\`${file}\` is no baseline: ${baseline.error.join('; ')}`, {
    hint: 'write `findings:` and a list of ids, such as `- tls-no-hybrid`',
  });
}

async function readText(file: string, context: CliContext): Promise<string> {
  return new TextDecoder().decode(await readNamedFile(file, context, 'E_USAGE'));
}

function refuseContradictions({
  url,
  from,
  login,
  tokenEnv,
  tokenFile,
  format,
  output,
}: DoctorCommandOptions): void {
  if ((url === undefined) === (from === undefined)) {
    throw new GatewayError(
      'E_USAGE',
      url === undefined ? 'no address is given' : 'facts are judged without asking again',
      {
        hint: 'name either the address of an endpoint, or a file of facts with `--from`',
      },
    );
  }
  if ([login === true, tokenEnv !== undefined, tokenFile !== undefined].filter(Boolean).length > 1) {
    throw new GatewayError('E_USAGE', 'there are two ways to a credential', {
      hint: 'keep one of `--token-env`, `--token-file` and `--login`',
    });
  }
  if (output !== undefined && format === 'text') {
    throw new GatewayError('E_USAGE', 'the report for a terminal goes to standard output', {
      hint: 'add `--format html`, or leave `--output` out',
    });
  }
}

function requireTarget(url: string | undefined): Target {
  const target = parseTarget(url ?? '');
  if (target.ok) return target.value;
  throw new GatewayError('E_USAGE', target.error, {
    hint: 'write it as clients get it: `https://mcp.example.com/mcp`',
  });
}

function requireDuration(text: string): number {
  const duration = parseDuration(text, 3_600_000);
  if (duration.ok && duration.value >= 1000) return duration.value;
  throw new GatewayError('E_USAGE', `\`${text}\` is no time to wait`, {
    hint: duration.ok ? 'wait for a second or longer' : duration.error,
  });
}

function requirePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw new GatewayError('E_USAGE', `\`${text}\` is no port`, { hint: 'write a number up to 65535' });
}

function requireCheck(id: string): NonNullable<ReturnType<typeof findCheck>> {
  const check = findCheck(id);
  if (check !== undefined) return check;
  const meant = suggestion(
    id,
    allChecks.map((each) => each.id),
  );
  throw new GatewayError('E_USAGE', `there is no check \`${id}\``, {
    hint: toHint(meant, 'see `breakwater doctor --list`'),
  });
}

function listChecks(context: CliContext): number {
  if (context.json) {
    const checks = allChecks.map(({ judge: _judge, ...check }) => check);
    writeEnvelope(context, 'doctor-checks', { checks });
    return 0;
  }
  const rows = allChecks.map(({ id, layer, severity, title }) => [layer, id, severity, title]);
  context.io.stdout.write(formatColumns(['layer', 'check', 'severity', 'what is right'], rows));
  return 0;
}
