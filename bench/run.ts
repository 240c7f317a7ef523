import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { createTestCertificate } from '../test/support/certificates.ts';
import { buildChart } from './chart.ts';
import { describeMachine } from './machine.ts';
import { parseOptions, usage, type BenchOptions } from './options.ts';
import type { Peer } from './peer.ts';
import { allPeers } from './peers/all.ts';
import { profileGateway } from './profile.ts';
import { bindToLoadCore, readVersion } from './programs.ts';
import { insertFigures, type Report } from './report.ts';
import type { RowContext } from './row.ts';
import { allRows } from './rows/all.ts';
import { runRow, type RowResult } from './run-row.ts';
import { buildTable } from './table.ts';
import { profileWork } from './work-profile.ts';

/** `npm run bench`; needs Linux with two cores that do nothing else. Exits with 1 when our own program could not be measured. */
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const options = readOptions();
const results = options.from.length > 0 ? readReports(options.from) : await withFiles(measure);
if (results !== undefined) writeResults(results);

function readOptions(): BenchOptions {
  try {
    return parseOptions(
      process.argv.slice(2),
      allRows.map(({ id }) => id),
    );
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

/** Measures what was asked for; `undefined` when that was a profile. */
async function measure(context: RowContext): Promise<Report | undefined> {
  if (options.profile !== undefined) {
    const work = await profileWork(context);
    if (work === undefined) say('perf is not installed (apt-get install linux-perf): the kernel is left out');
    const text = [await profileGateway(context), ...(work === undefined ? [] : [work])].join('\n');
    writeFileSync(options.profile, text);
    process.stdout.write(text);
    return undefined;
  }
  const { peers, absent, versions } = findPeers();
  const rows: RowResult[] = [];
  for (const row of allRows) {
    if (options.only.length > 0 && !options.only.includes(row.id)) continue;
    rows.push(await runRow(row, { peers, absent, rounds: options.rounds, context, onProgress: say }));
  }
  const failed = rows.filter(({ values }) => values['breakwater'] === undefined);
  if (failed.length > 0 && peers.some(({ name }) => name === 'breakwater')) process.exitCode = 1;
  const date = new Date().toISOString().slice(0, 10);
  return { date, machine: describeMachine(), versions: { ...versions, node: process.version }, rows };
}

function findPeers(): { peers: Peer[]; absent: Record<string, string>; versions: Record<string, string> } {
  const peers: Peer[] = [];
  const absent: Record<string, string> = {};
  const versions: Record<string, string> = {};
  for (const peer of allPeers) {
    if (options.peers.length > 0 ? !options.peers.includes(peer.name) : peer.isOnRequest === true) continue;
    const found = peer.find();
    if (found.kind === 'missing') {
      absent[peer.name] = found.reason;
      say(`${peer.name} NOT MEASURED: ${found.reason}`);
    } else {
      versions[peer.name] = found.version;
      peers.push(peer);
    }
  }
  return { peers, absent, versions };
}

/** Gives a measurement a directory and a certificate, on the core of the load; the directory goes when the process ends. */
async function withFiles<Value>(use: (context: RowContext) => Promise<Value>): Promise<Value> {
  for (const tool of ['wrk', 'h2load', 'taskset', 'prlimit']) {
    if (readVersion(tool, ['--version']) !== undefined) continue;
    say(`${tool} is needed: apt-get install wrk nghttp2-client util-linux`);
    process.exit(2);
  }
  bindToLoadCore();
  // OpenSSL keeps a hybrid group's key for the life of a connection, and not every peer has hybrid groups.
  tls.DEFAULT_ECDH_CURVE = options.group;
  const directory = mkdtempSync(join(tmpdir(), 'breakwater-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  chmodSync(directory, 0o755);
  const { cert, key } = await createTestCertificate({ names: ['localhost', '127.0.0.1'] });
  const certFile = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const { seconds, isQuick } = options;
  return await use({ directory, certFile, keyFile, seconds, isQuick });
}

/** The rows of several runs as one report; the newest run of a row counts. */
function readReports(files: readonly string[]): Report | undefined {
  // Written by `--json`.
  const reports = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
  const last = reports.at(-1);
  if (last === undefined) return undefined;
  const rows = new Map(reports.flatMap((report) => report.rows.map((row) => [row.id, row] as const)));
  return {
    ...last,
    versions: Object.assign({}, ...reports.map(({ versions }) => versions)) as Report['versions'],
    rows: allRows.flatMap(({ id }) => rows.get(id) ?? []),
  };
}

function writeResults(report: Report): void {
  process.stdout.write(`\n${buildTable(report.rows)}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (options.chart !== undefined) writeFileSync(options.chart, buildChart(report.rows));
  if (options.report !== undefined)
    writeFileSync(options.report, insertFigures(readFileSync(options.report, 'utf8'), report));
}
