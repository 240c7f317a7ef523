import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../src/lib/version.ts';
import { findBun } from './executable/bun.ts';

/** Compiles the built package and Bun into one file, `build/breakwater`, that runs without Node. */
const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}build/breakwater`;

const { status } = spawnSync(
  findBun(),
  [
    'build',
    'bin/breakwater.js',
    '--compile',
    '--target=bun',
    '--format=esm',
    // Parsed and compiled at build time: what is left of the start is mostly reading the configuration.
    '--bytecode',
    '--minify-syntax',
    '--minify-whitespace',
    // The authorization server files its records under the names of its classes.
    '--keep-names',
    // A file that happens to lie in the working directory must not configure the gateway.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    `--define=COMPILED_VERSION=${JSON.stringify(readVersion())}`,
    `--outfile=${target}`,
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (status === 0) {
  process.stdout.write(`${target}: ${(statSync(target).size / 1e6).toFixed(1)} MB\n`);
}
process.exitCode = status ?? 1;
