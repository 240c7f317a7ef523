import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { buildRows, isBroken, legNames, type LegName, type ScenarioRow } from './conformance/comparison.ts';
import { countProtocols, findProtocolDoubt, type ProtocolCount } from './conformance/protocol-proof.ts';
import {
  loadRequirements,
  requirementSets,
  type Requirement,
  type RequirementSet,
} from './conformance/requirements.ts';
import { startFixture, startGateway } from './conformance/server-process.ts';
import { runSuite, type SuiteResults } from './conformance/suite-run.ts';
import { formatSummary, formatTable } from './conformance/table.ts';

interface Options {
  readonly set?: RequirementSet;
  readonly only?: string;
  readonly json?: string;
  readonly direct?: boolean;
}

/** One requirement set on all its legs. */
interface SetReport {
  readonly set: RequirementSet;
  readonly legs: readonly LegName[];
  readonly rows: readonly ScenarioRow[];
  readonly protocols: Readonly<Record<string, ProtocolCount>>;
  /** Reasons not to believe the comparison, such as an h2 leg that was not HTTP/2. */
  readonly doubts: readonly string[];
}

interface GatewayLeg {
  readonly results: SuiteResults;
  readonly count: ProtocolCount;
  readonly doubt: string | undefined;
}

const command: Command = new Command('conformance')
  .description('Runs the official MCP conformance suite directly and through the gateway, and compares')
  .addOption(new Option('--set <revision>', 'one requirement set').choices(requirementSets))
  .option('--only <scenario>', 'one scenario')
  .option('--json <file>', 'also write the results to a file')
  .option('--direct', 'leave the gateway out')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .parse();

// Ending through `exit` lets the child processes be ended too.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const options = command.opts<Options>();
try {
  process.exitCode = await main();
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const reports: SetReport[] = [];
  for (const set of options.set === undefined ? requirementSets : [options.set]) {
    const requirements = (await loadRequirements(set)).filter(
      ({ scenario }) => options.only === undefined || scenario === options.only,
    );
    if (requirements.length === 0) continue;
    const report = await runSet(set, requirements);
    print(report);
    reports.push(report);
  }
  if (reports.length === 0) {
    console.error(`no requirement set asks a server for the scenario '${options.only ?? ''}'`);
    return 2;
  }
  for (const { set, rows, legs } of reports) console.log(formatSummary(set, rows, legs));
  if (options.json !== undefined) await writeFile(options.json, toJson(reports));
  return reports.some(isFailed) ? 1 : 0;
}

function print(report: SetReport): void {
  console.log(`${report.set}\n\n${formatTable(report.rows, report.legs)}\n`);
  for (const doubt of report.doubts) console.log(`DOUBT ${doubt}`);
  for (const [leg, count] of Object.entries(report.protocols)) {
    console.log(`${leg} leg: ${count.h1} requests over HTTP/1.1, ${count.h2} over HTTP/2`);
  }
  console.log('');
}

async function runSet(set: RequirementSet, requirements: readonly Requirement[]): Promise<SetReport> {
  const fixture = await startFixture();
  try {
    const legs = new Map<LegName, SuiteResults>();
    const protocols: Record<string, ProtocolCount> = {};
    const doubts: string[] = [];
    const only = options.only === undefined ? {} : { only: options.only };
    for (const leg of options.direct === true ? (['direct'] as const) : legNames) {
      if (leg === 'direct') {
        legs.set(leg, (await runSuite({ url: fixture.url, set, ...only })).results);
        continue;
      }
      const { results, count, doubt } = await runThroughGateway(fixture.url, { set, leg, ...only });
      legs.set(leg, results);
      protocols[leg] = count;
      if (doubt !== undefined) doubts.push(`${leg} leg: ${doubt}`);
    }
    return { set, legs: [...legs.keys()], rows: buildRows(requirements, legs), protocols, doubts };
  } finally {
    await fixture.stop();
  }
}

async function runThroughGateway(
  upstream: string,
  run: { readonly set: RequirementSet; readonly leg: 'h1' | 'h2'; readonly only?: string },
): Promise<GatewayLeg> {
  const { leg, ...selection } = run;
  const gateway = await startGateway(upstream);
  try {
    const { results, rawRequests } = await runSuite({
      url: gateway.url,
      tls: { protocol: leg, caFile: gateway.caFile },
      ...selection,
    });
    const count = countProtocols(await gateway.stop());
    return { results, count, doubt: findProtocolDoubt(leg, count, rawRequests) };
  } finally {
    await gateway.stop();
  }
}

function isFailed(report: SetReport): boolean {
  return report.doubts.length > 0 || report.rows.some((row) => isBroken(row) || row.differences.length > 0);
}

function toJson(all: readonly SetReport[]): string {
  const sets = all.map(({ set, rows, protocols, doubts }) => ({
    set,
    protocols,
    doubts,
    scenarios: rows.map(({ scenario, isScored, outcomes, differences }) => ({
      scenario,
      isScored,
      outcomes: Object.fromEntries(outcomes),
      differences,
    })),
  }));
  return `${JSON.stringify({ passed: !all.some(isFailed), sets }, null, 2)}\n`;
}
