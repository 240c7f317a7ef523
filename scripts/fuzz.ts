import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { Command, Option } from 'commander';
import { recordEvidence } from '../test/support/evidence.ts';
import { controls, findFault } from '../test/fuzz/controls.ts';
import { loadCorpus, saveFind } from '../test/fuzz/corpus.ts';
import { fuzz, type FuzzReport } from '../test/fuzz/engine.ts';
import { pureTargets } from '../test/fuzz/pure-targets.ts';
import { startLenientProxy, startGatewaySubject } from '../test/fuzz/socket-subjects.ts';
import type { FuzzTarget } from '../test/fuzz/target.ts';
import { createSocketTarget } from '../test/fuzz/targets/sockets.ts';

/** `npm run fuzz`: hostile inputs on everything that reads them, for a time or for one target. */

const SOCKETS = 'sockets';
/** What sockets get of the time when all targets run; the rest is shared evenly. */
const SOCKETS_SHARE = 0.4;
const names = [...pureTargets.map(({ name }) => name), SOCKETS];

interface Options {
  readonly seconds: string;
  readonly seed: string;
  readonly target?: string;
  readonly json?: string;
}

const command: Command = new Command('fuzz')
  .description(
    'Feeds generated and mutated inputs to all that reads hostile bytes, and holds it to its rules',
  )
  .option('--seconds <n>', 'how long, over all targets', '60')
  .addOption(new Option('--target <name>', 'one target').choices(names))
  .option('--seed <n>', 'a whole number; the same one gives the same inputs', '1')
  .option('--json <file>', 'also write the results to a file')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .parse();

const options = command.opts<Options>();
const seconds = toNumber('--seconds', options.seconds);
const seed = toNumber('--seed', options.seed);

/** What came up outside of any check: it fails the run, whatever the rules say. */
const strays: string[] = [];
process.on('uncaughtException', (error) => strays.push(error.stack ?? error.message));
process.on('unhandledRejection', (reason) => strays.push(String(reason)));
process.on('warning', (warning) => strays.push(warning.stack ?? warning.message));

process.exitCode = await main();

async function main(): Promise<number> {
  const missed = await runControls();
  const reports: FuzzReport[] = [];
  let socketRequests = 0;
  for (const target of pureTargets) {
    if (options.target === undefined || options.target === target.name) reports.push(await run(target));
  }
  if (options.target === undefined || options.target === SOCKETS) {
    await using bench = await createSocketTarget(startGatewaySubject);
    reports.push(await run(bench.target));
    socketRequests = bench.requests;
  }
  const finds = reports.reduce((sum, report) => sum + report.finds.length, 0);
  for (const report of reports) printFinds(report);
  for (const stray of strays) console.log(`STRAY ${stray}`);
  for (const fault of missed) console.log(`CONTROL not noticed: ${fault}`);
  printTable(reports);
  const executions = reports.reduce((sum, report) => sum + report.executions, 0);
  const pure = executions - (reports.find(({ target }) => target === SOCKETS)?.executions ?? 0);
  const caught = controls.length + 1 - missed.length;
  // One target alone is no run of the test.
  if (options.target === undefined) {
    recordEvidence({
      id: 'T16',
      title: 'fuzzing of all that reads hostile bytes',
      cases: executions,
      failures: finds + strays.length,
      figures: {
        targets: reports.length,
        'executions of pure functions': pure,
        'socket requests': socketRequests,
        seconds,
        seed,
        'uncaught errors and warnings': strays.length,
      },
      control: `${caught} of ${controls.length + 1} readers broken on purpose were found out`,
    });
  }
  if (options.json !== undefined) await writeFile(options.json, toJson(reports, { socketRequests, missed }));
  const failed = reports.filter((report) => report.finds.length > 0).length;
  const others = (strays.length > 0 ? 1 : 0) + missed.length;
  console.log(`${reports.length - failed + caught} passed, ${failed + others} failed`);
  return failed + others === 0 ? 0 : 1;
}

/** Faults that fuzzing did not notice: the figures of a run mean nothing beside one. */
async function runControls(): Promise<string[]> {
  const missed: string[] = [];
  for (const control of controls) {
    if ((await findFault(control, seed)) === undefined) missed.push(control.fault);
  }
  await using lenient = await createSocketTarget(startLenientProxy);
  const goOn = (executions: number, finds: number): boolean => finds === 0 && executions < 200;
  const { finds } = await fuzz({ target: lenient.target, seed, goOn, minimises: false });
  if (finds.length === 0) missed.push('a lenient proxy over sockets');
  return missed;
}

async function run(target: FuzzTarget): Promise<FuzzReport> {
  const share = target.name === SOCKETS ? SOCKETS_SHARE : (1 - SOCKETS_SHARE) / pureTargets.length;
  const end = performance.now() + 1000 * seconds * (options.target === undefined ? share : 1);
  const corpus = loadCorpus(target.name).map(({ input }) => input);
  return fuzz({ target, seed, corpus, goOn: () => performance.now() < end });
}

function printFinds({ target, finds }: FuzzReport): void {
  for (const { rule, message, input } of finds) {
    const file = relative(process.cwd(), saveFind(target, input));
    console.log(`FOUND in ${target}: ${rule}\n${message}`);
    console.log(`  shortest input: ${JSON.stringify(input.toString('latin1'))}`);
    console.log(`  kept as ${file}; replay: npx vitest run --project unit test/fuzz`);
    console.log(`  the same run: npm run fuzz -- --target ${target} --seed ${seed}\n`);
  }
}

function printTable(reports: readonly FuzzReport[]): void {
  const rows = reports.map(({ target, executions, kept, outcomes, finds }) =>
    [target, executions, kept, outcomes.size, finds.length].map(String),
  );
  const table = [['target', 'executions', 'kept corpus', 'outcomes', 'failures'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const [name = '', ...figures] of table) {
    const cells = figures.map((figure, index) => figure.padStart(widths[index + 1] ?? 0));
    console.log([name.padEnd(widths[0] ?? 0), ...cells].join('  '));
  }
}

function toJson(
  reports: readonly FuzzReport[],
  facts: { readonly socketRequests: number; readonly missed: readonly string[] },
): string {
  const targets = reports.map(({ outcomes, finds, ...report }) => ({
    ...report,
    outcomes: Object.fromEntries(outcomes),
    finds: finds.map(({ rule, input }) => ({ rule, input: input.toString('base64') })),
  }));
  return `${JSON.stringify({ seed, seconds, ...facts, strays, targets }, undefined, 2)}\n`;
}

function toNumber(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${flag} takes a whole number`);
  process.exit(2);
}
