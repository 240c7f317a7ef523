import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RenderedFile } from '../../src/render/rendered.ts';
import { startServerProgram, toCheckoutPath, type Program, type ServerProgram } from './programs.ts';

/** An engine as it is installed here; Caddy twice, Debian's and the current one. */
export type InstalledEngine =
  | 'nginx'
  | 'haproxy'
  | 'apache'
  | 'caddy'
  | 'caddy-current'
  | 'envoy'
  | 'traefik';

const places: Readonly<Record<InstalledEngine, string>> = {
  nginx: '/usr/sbin/nginx',
  haproxy: '/usr/sbin/haproxy',
  apache: '/usr/sbin/apache2',
  caddy: '/usr/bin/caddy',
  'caddy-current': toCheckoutPath('.venv/bin/caddy'),
  envoy: toCheckoutPath('.venv/bin/envoy'),
  traefik: toCheckoutPath('.venv/bin/traefik'),
};

/** Modules of Debian that a site of Apache asks for; `a2enmod` turns them on there. */
const apacheModules = [
  'mpm_event',
  'authz_core',
  'alias',
  'env',
  'socache_shmcb',
  'ssl',
  'http2',
  'proxy',
  'proxy_http',
  'headers',
  'rewrite',
  'reqtimeout',
  'setenvif',
  'remoteip',
  'deflate',
  'filter',
  'mime',
];

export function findEngine(engine: InstalledEngine): Program {
  const path = places[engine];
  return existsSync(path)
    ? { kind: 'found', path }
    : { kind: 'missing', reason: `no ${engine} (tried ${path})` };
}

/** A folder of its own for what an engine reads and writes. */
export interface EngineFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file below it and returns its path. */
  write(name: string, text: string): Promise<string>;
}

export async function createEngineFolder(): Promise<EngineFolder> {
  const path = await mkdtemp(join(tmpdir(), 'breakwater-engine-'));
  return {
    path,
    async write(name, text) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export interface EngineOptions {
  readonly folder: EngineFolder;
  /** The main one first, as `render` makes them, or written by hand. */
  readonly files: readonly RenderedFile[];
  /** Where it has to answer. */
  readonly port: number;
  /** Further ports that a site of Apache leaves to others. */
  readonly listens?: readonly number[];
}

/** Starts an engine with these files; resolves once it answers on the port. Rejects with what it said otherwise. */
export async function startEngine(engine: InstalledEngine, options: EngineOptions): Promise<ServerProgram> {
  try {
    return await start(engine, options);
  } catch (error) {
    const log = await readFile(join(options.folder.path, 'error.log'), 'utf8').catch(() => '');
    throw new Error(`${engine} does not start: ${log}`, { cause: error });
  }
}

async function start(
  engine: InstalledEngine,
  { folder, files, port, listens = [] }: EngineOptions,
): Promise<ServerProgram> {
  for (const { path, text } of files)
    await folder.write(path, text.replaceAll('/var/log/nginx', folder.path));
  const main = join(folder.path, files[0]?.path ?? '');
  const command = places[engine];
  const env = { HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path };
  switch (engine) {
    case 'nginx': {
      const globals = `daemon off; error_log ${folder.path}/error.log; pid ${folder.path}/nginx.pid;`;
      return startServerProgram(
        () => ({ command, args: ['-p', folder.path, '-c', main, '-g', globals], env }),
        port,
      );
    }
    case 'haproxy':
      return startServerProgram(() => ({ command, args: ['-db', '-f', main], env }), port);
    case 'apache': {
      const server = await folder.write('apache2.conf', wrapApacheSite(folder.path, main, listens));
      return startServerProgram(() => ({ command, args: ['-D', 'FOREGROUND', '-f', server], env }), port);
    }
    case 'envoy': {
      const args = ['-c', main, '--concurrency', '1', '--use-dynamic-base-id'];
      return startServerProgram(() => ({ command, args, env }), port);
    }
    case 'traefik': {
      // It looks for its other file where it was started.
      const text = (files[0]?.text ?? '').replace('filename: ', `filename: ${folder.path}/`);
      await writeFile(main, text);
      return startServerProgram(() => ({ command, args: [`--configFile=${main}`], env }), port);
    }
    case 'caddy':
    case 'caddy-current':
      return startServerProgram(
        () => ({ command, args: ['run', '--adapter', 'caddyfile', '--config', main], env }),
        port,
      );
  }
}

/** A server with nothing but one site. */
export function wrapApacheSite(folder: string, site: string, listens: readonly number[]): string {
  return `ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
TypesConfig /dev/null
Define APACHE_LOG_DIR ${folder}
${apacheModules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${listens.map((port) => `Listen 127.0.0.1:${port}`).join('\n')}
Include ${site}
`;
}
