/**
 * Reads what vitest's JSON reporter wrote of a suite, for `.ci/run`.
 *
 *   failed-files RESULT             the files in which something failed, one a line
 *   counts RESULT [SECOND]          `passed failed skipped`
 *   failures LOG RESULT [SECOND]    what failed, one a line
 *   unsteady LOG RESULT SECOND      what failed in the first run alone
 *
 * SECOND is the result of the failed files run once more; it takes the place of theirs.
 */
import { existsSync, readFileSync } from 'node:fs';

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

const LONGEST_MESSAGE = 600;
const MOST_HOOKS = 5;

const [what = 'nothing', ...files] = process.argv.slice(2);

switch (what) {
  case 'failed-files':
    for (const { name } of read(files[0]).filter(hasFailed)) console.log(name);
    break;
  case 'counts': {
    const all = merge(read(files[0]), read(files[1]));
    const count = (...wanted: readonly string[]): number =>
      all.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => wanted.includes(status))
        .length;
    // A file whose hook or import failed has no failed test, and is a failure all the same.
    const broken = all.filter((file) => hasFailed(file) && !file.assertionResults.some(isFailed)).length;
    console.log(count('passed'), count('failed') + broken, count('pending', 'skipped', 'todo'));
    break;
  }
  case 'failures':
    for (const file of merge(read(files[1]), read(files[2])).filter(hasFailed)) list(file, files[0]);
    break;
  case 'unsteady': {
    const passed = new Set(read(files[2]).flatMap((file) => (hasFailed(file) ? [] : [file.name])));
    for (const file of read(files[1])) if (passed.has(file.name)) list(file, files[0]);
    break;
  }
  default:
    throw new Error(`unknown: ${what}`);
}

function read(path: string | undefined): readonly TestFile[] {
  if (path === undefined || !existsSync(path)) return [];
  // It is what vitest writes; a file of another form fails below.
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly testResults: readonly TestFile[] })
    .testResults;
}

function merge(first: readonly TestFile[], second: readonly TestFile[]): readonly TestFile[] {
  return [...first.filter(({ name }) => !second.some((file) => file.name === name)), ...second];
}

function hasFailed({ status }: TestFile): boolean {
  return status === 'failed';
}

function isFailed({ status }: { readonly status: string }): boolean {
  return status === 'failed';
}

function list(file: TestFile, log: string | undefined): void {
  const failed = file.assertionResults.filter(isFailed);
  if (failed.length === 0 && hasFailed(file))
    console.log(`${file.name}: ${file.message.split('\n')[0] || hooksOf(log)}`);
  for (const { fullName, failureMessages } of failed) {
    const message = (failureMessages[0] ?? '').slice(0, LONGEST_MESSAGE).replaceAll('\n', ' | ');
    console.log(`${fullName} (${file.name}): ${message}`);
  }
}

/** The JSON does not say what a hook failed of; the log does. */
function hooksOf(log: string | undefined): string {
  if (log === undefined) return 'a hook failed';
  const found = [...readFileSync(log, 'utf8').matchAll(/ FAIL .*\n.*/g)].slice(0, MOST_HOOKS);
  return found.map(([text]) => text.trim().replaceAll('\n', ' | ')).join(' || ');
}
