import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describeMachine } from '../../bench/machine.ts';
import { readVersion as readProgramVersion } from '../../bench/programs.ts';
import { readVersion } from '../../src/lib/version.ts';
import type { EvidenceFacts } from './page.ts';

/** Programs the suites run beside the gateway, and how each tells its version. */
const programs: readonly (readonly [name: string, command: string, flag: string])[] = [
  ['nginx', 'nginx', '-v'],
  ['Apache', 'apache2', '-v'],
  ['HAProxy', 'haproxy', '-v'],
  ['slowhttptest', 'slowhttptest', '-v'],
];
/** Python packages that serve as origins. */
const pythonPackages = ['uvicorn', 'gunicorn'];

/** The machine and the versions of everything that takes part in the tests; what is not installed is left out. */
export function readFacts(options: { readonly executable: string | undefined }): EvidenceFacts {
  const versions: Record<string, string> = {
    breakwater: `${readVersion()}, ${describeCommit()}`,
    Node: process.versions.node,
    OpenSSL: process.versions.openssl,
  };
  if (options.executable !== undefined) {
    versions['executable'] = run(options.executable, ['--version']) ?? 'does not run';
  }
  for (const [name, command, flag] of programs) {
    const version = readProgramVersion(command, [flag]);
    if (version !== undefined) versions[name] = version;
  }
  const python = process.env['BREAKWATER_PYTHON'] ?? (existsSync('.venv') ? '.venv/bin/python' : 'python3');
  for (const name of pythonPackages) {
    const version = run(python, ['-c', `import importlib.metadata as m; print(m.version('${name}'))`]);
    if (version !== undefined) versions[name] = version;
  }
  return { date: new Date().toISOString().slice(0, 10), machine: describeMachine(), versions };
}

/** Which code this is; the page itself does not count as a change. */
function describeCommit(): string {
  const commit = run('git', ['rev-parse', '--short', 'HEAD']);
  if (commit === undefined) return 'commit unknown';
  const changes = run('git', ['status', '--porcelain', '--', '.', ':!docs/evidence.md']);
  return changes === '' ? `commit ${commit}` : `commit ${commit} with changes`;
}

/** What a program prints, or `undefined` when it cannot be run or fails. */
function run(command: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
