import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Environment } from '../../config/overlay.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { RenderedFile } from '../../render/rendered.ts';
import type { RenderTarget } from '../../render/target.ts';
import { writeRendered } from './write-rendered.ts';

/** How a program is asked whether it accepts a file. */
interface OwnTest {
  /** Names of the program, the most likely first. */
  readonly programs: readonly string[];
  readonly toArguments: (file: string) => readonly string[];
  /** Succeeds where the program can test; `missing` says what it wants for that. */
  readonly probe?: { readonly args: readonly string[]; readonly missing: string };
}

/** What the program said. */
export interface TestOutcome {
  /** The path that was run. */
  readonly program: string;
  readonly accepted: boolean;
  readonly output: string;
}

const ownTests: Readonly<Partial<Record<RenderTarget, OwnTest>>> = {
  nginx: { programs: ['nginx'], toArguments: (file) => ['-t', '-c', file] },
  caddy: {
    programs: ['caddy'],
    toArguments: (file) => ['validate', '--adapter', 'caddyfile', '--config', file],
  },
  // A site is no whole configuration: it is tested with the one that is installed, whose modules it needs.
  apache: {
    programs: ['apache2ctl', 'apachectl', 'httpd'],
    toArguments: (file) => ['-t', '-c', `Include "${file}"`],
  },
  haproxy: { programs: ['haproxy'], toArguments: (file) => ['-c', '-f', file] },
  envoy: { programs: ['envoy'], toArguments: (file) => ['--mode', 'validate', '-c', file] },
  systemd: { programs: ['systemd-analyze'], toArguments: (file) => ['verify', file] },
  compose: {
    programs: ['docker'],
    toArguments: (file) => ['compose', '-f', file, 'config', '--quiet'],
    probe: { args: ['compose', 'version'], missing: '`docker compose` is not installed here' },
  },
  // The program has no schemas: it takes those of a cluster.
  kubernetes: {
    programs: ['kubectl'],
    toArguments: (file) => ['apply', '--dry-run=client', '-f', file],
    probe: {
      args: ['version', '--request-timeout=5s'],
      missing: '`kubectl` reaches no cluster, whose schemas it tests with',
    },
  },
  helm: { programs: ['helm'], toArguments: (file) => ['lint', '--strict', dirname(file)] },
};

/** Where servers are, and the search path of people often is not. */
const serverFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Writes the files to a folder of their own and lets the program test them. Throws E_RENDER_NO_ENGINE where it is not installed, and
 * E_USAGE for targets without a test of their own.
 */
export async function testRendered(
  files: readonly RenderedFile[],
  options: { readonly target: RenderTarget; readonly env: Environment },
): Promise<TestOutcome> {
  const { target, env } = options;
  const own = ownTests[target];
  const [main] = files;
  if (own === undefined || main === undefined)
    throw new GatewayError('E_USAGE', `there is no test of its own for \`${target}\``, {
      hint: 'leave out `--check`, and read what it says when it starts',
    });
  const program = await findProgram(own.programs, env);
  if (program === undefined)
    throw new GatewayError('E_RENDER_NO_ENGINE', `\`${own.programs[0] ?? target}\` is not installed here`);
  if (own.probe !== undefined && !(await run(program, own.probe.args, env)).accepted)
    throw new GatewayError('E_RENDER_NO_ENGINE', own.probe.missing);
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-render-'));
  try {
    await writeRendered(files, { output: `${folder}/`, force: true });
    return await run(program, own.toArguments(join(folder, main.path)), env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findProgram(names: readonly string[], env: Environment): Promise<string | undefined> {
  const folders = [
    ...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...serverFolders,
  ];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      const found = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return path;
    }
  }
  return undefined;
}

function run(program: string, args: readonly string[], env: Environment): Promise<TestOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', (error) =>
      reject(
        new GatewayError('E_RENDER_NO_ENGINE', `\`${program}\` cannot be run: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    child.once('close', (code) => resolve({ program, accepted: code === 0, output }));
  });
}
