import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { suiteDirectory, type RequirementSet } from './requirements.ts';
import type { TransportReport } from './transport.ts';

/** One line of a `checks.json`, without the fields that differ in any two runs. */
export interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string | undefined;
}

const checksSchema: z.ZodType<readonly Check[]> = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
    errorMessage: z.string().optional(),
  }),
);

/** The checks of every scenario that ran, by its name. */
export type SuiteResults = ReadonlyMap<string, readonly Check[]>;

export interface SuiteRun {
  readonly url: string;
  readonly set: RequirementSet;
  /** One scenario instead of the whole set. */
  readonly only?: string;
  /** How to reach a gateway; left out for a plain HTTP server. */
  readonly tls?: { readonly protocol: 'h1' | 'h2'; readonly caFile: string };
}

export interface SuiteOutcome {
  readonly results: SuiteResults;
  /** Requests that went out through `node:http`; zero without TLS settings. */
  readonly rawRequests: number;
}

const timeLimitMs = 180_000;
const reportSchema: z.ZodType<TransportReport> = z.object({ rawRequests: z.number() });

/** Runs the official suite in a process of its own and reads the checks it leaves behind. */
export async function runSuite(run: SuiteRun): Promise<SuiteOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const output = join(directory, 'results');
    const report = join(directory, 'transport.json');
    const log = await spawnSuite(run, output, report);
    const results = await loadResults(output);
    if (results.size === 0) throw new Error(`the conformance suite left no results:\n${log.slice(-2000)}`);
    if (run.tls === undefined) return { results, rawRequests: 0 };
    const { rawRequests } = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')));
    return { results, rawRequests };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function spawnSuite(run: SuiteRun, output: string, report: string): Promise<string> {
  const program = fileURLToPath(new URL('dist/index.js', suiteDirectory));
  const selection =
    run.only === undefined
      ? ['--requirements', run.set]
      : ['--scenario', run.only, '--spec-version', run.set, '--force'];
  const preload = run.tls === undefined ? [] : ['--import', new URL('transport.ts', import.meta.url).href];
  const child = spawn(
    process.execPath,
    [...preload, program, 'server', '--url', run.url, '--output-dir', output, ...selection],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeLimitMs,
      env: { ...process.env, ...(run.tls === undefined ? {} : buildTransportSettings(run, run.tls, report)) },
    },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // A failing scenario makes the suite exit 1: the checks tell more than that.
    child.once('close', (_code, signal) => {
      if (signal === null) resolve(log);
      else reject(new Error(`the conformance suite was ended by ${signal}:\n${log.slice(-2000)}`));
    });
  });
}

function buildTransportSettings(
  run: SuiteRun,
  settings: { readonly protocol: 'h1' | 'h2'; readonly caFile: string },
  report: string,
): Record<string, string> {
  return {
    NODE_EXTRA_CA_CERTS: settings.caFile,
    CONFORMANCE_PROTOCOL: settings.protocol,
    CONFORMANCE_SERVER_NAME: new URL(run.url).hostname,
    CONFORMANCE_REPORT: report,
  };
}

async function loadResults(directory: string): Promise<SuiteResults> {
  const results = new Map<string, readonly Check[]>();
  const entries = await readdir(directory).catch(() => []);
  for (const entry of entries) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(entry)?.[1];
    if (scenario === undefined) continue;
    const text = await readFile(join(directory, entry, 'checks.json'), 'utf8');
    results.set(scenario, checksSchema.parse(JSON.parse(text)));
  }
  return results;
}
