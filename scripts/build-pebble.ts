import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import {
  currentPebbleFolder,
  currentPebbleVersion,
  findCurrentPebble,
  type PebbleProgram,
} from '../test/support/current-pebble.ts';

/**
 * Builds the ACME test authority Pebble with the machine's Go, from the module proxy that Go is configured with, whose
 * checksum database vouches for the source. Says why when it cannot, and then ends with 1.
 */
const programs: readonly PebbleProgram[] = ['pebble', 'pebble-challtestsrv'];
const limitMs = 600_000;
const unfinished = `${currentPebbleFolder}.building`;

process.exitCode = main();

function main(): number {
  if (programs.every((name) => findCurrentPebble(name).kind === 'found')) {
    process.stdout.write(`${currentPebbleFolder}: already there\n`);
    return 0;
  }
  const reason = build();
  if (reason !== undefined) {
    process.stderr.write(`Pebble ${currentPebbleVersion} was not built: ${reason}\n`);
    return 1;
  }
  process.stdout.write(`${currentPebbleFolder}: built\n`);
  return 0;
}

/** Why it did not work; `undefined` when it did. */
function build(): string | undefined {
  const { status: goStatus } = spawnSync('go', ['version'], { stdio: 'ignore' });
  if (goStatus !== 0) return 'there is no Go on this machine';
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const modules = programs.map(
    (name) => `github.com/letsencrypt/pebble/v2/cmd/${name}@${currentPebbleVersion}`,
  );
  const { status, error } = spawnSync(
    'go',
    ['install', '-trimpath', '-ldflags', `-s -w -X main.version=${currentPebbleVersion}`, ...modules],
    {
      // `GOWORK` off and versions named: no module file or workspace of the surroundings takes part.
      cwd: unfinished,
      env: { ...process.env, GOBIN: unfinished, GOWORK: 'off', CGO_ENABLED: '0' },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
    },
  );
  if (status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    return (
      error?.message ?? 'Go could not fetch or compile it, see above (no module proxy, or a Go before 1.24?)'
    );
  }
  rmSync(currentPebbleFolder, { recursive: true, force: true });
  renameSync(unfinished, currentPebbleFolder);
  return undefined;
}
