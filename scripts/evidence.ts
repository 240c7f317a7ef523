import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { readFacts } from './evidence/facts.ts';
import { renderPage } from './evidence/page.ts';
import { forgetRecords, loadRecords, selectRecords } from './evidence/records.ts';
import { suites, type EvidenceSuite } from './evidence/suites.ts';

/** `npm run evidence`: runs the suites that record figures and writes them to `docs/evidence.md`. */

interface Options {
  readonly short?: boolean;
  readonly only?: readonly string[];
  readonly render?: boolean;
}

interface Run {
  readonly suite: EvidenceSuite;
  readonly program: 'node' | 'executable';
}

const root = fileURLToPath(new URL('..', import.meta.url));
const executable = `${root}build/breakwater`;
const directory = '.evidence';
const page = 'docs/evidence.md';

const command: Command = new Command('evidence')
  .description(`Runs the suites that record figures, and writes them to ${page}`)
  .option('--short', 'the short forms, as in continuous integration')
  .addOption(
    new Option('--only <suite...>', 'these suites, the others keep their records').choices(
      suites.map(({ name }) => name),
    ),
  )
  .option('--render', 'run nothing, only write the page')
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .parse();
const options = command.opts<Options>();

process.chdir(root);
mkdirSync(directory, { recursive: true });
const failed = options.render === true ? [] : runAll();
const records = selectRecords(loadRecords(directory));
writeFileSync(
  page,
  renderPage(readFacts({ executable: existsSync(executable) ? executable : undefined }), records),
);
const broken = records.filter(({ failures }) => failures > 0);
for (const { id, program, failures } of broken) say(`${id} on ${program}: ${failures} failures`);
for (const run of failed) say(`FAILED ${describe(run)}`);
say(`${page}: ${records.length} records, ${broken.length} with failures; ${failed.length} suites failed`);
process.exitCode = broken.length + failed.length === 0 ? 0 : 1;

/** Runs the chosen suites one after the other, all of them whatever happens, and returns those that failed. */
function runAll(): Run[] {
  const chosen = suites.filter(({ name }) => options.only?.includes(name) ?? true);
  const programs = existsSync(executable) ? (['node', 'executable'] as const) : (['node'] as const);
  const runs = programs.flatMap((program) =>
    chosen
      .filter(({ forExecutable }) => program === 'node' || forExecutable)
      .map((suite) => ({ suite, program })),
  );
  return runs.filter((run, index) => {
    const startedAt = performance.now();
    say(`[${index + 1}/${runs.length}] ${describe(run)} begins at ${new Date().toISOString().slice(11, 19)}`);
    const hasPassed = runOne(run);
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    say(
      `[${index + 1}/${runs.length}] ${describe(run)} ${hasPassed ? 'passed' : 'FAILED'} after ${minutes} minutes`,
    );
    return !hasPassed;
  });
}

function runOne({ suite, program }: Run): boolean {
  const isFull = options.short !== true;
  forgetRecords(directory, { suite: suite.name, program, full: isFull });
  const [name, ...args] = suite.command(isFull);
  const { status } = spawnSync(`node_modules/.bin/${name}`, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      BREAKWATER_FULL: isFull ? '1' : '',
      BREAKWATER_EXECUTABLE: program === 'executable' ? executable : '',
    },
  });
  return status === 0;
}

function describe({ suite, program }: Run): string {
  return `${suite.name} on ${program}, ${options.short === true ? 'short' : 'full'} form`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
