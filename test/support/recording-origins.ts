import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProgram, toCheckoutPath, type ServerCommand } from './programs.ts';

/** What an origin read of one request; its answers are these as JSON. */
export interface OriginEcho {
  readonly method: string;
  readonly target: string;
  /** The field X-Mark. */
  readonly mark: string | null;
  /** Bytes of the body. */
  readonly length: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A real server that answers each request with what it read of it. */
export interface RecordingOrigin {
  readonly port: number;
  stop(): Promise<void>;
}

/** How to start an origin, or why it cannot be. */
export type OriginProgram =
  | {
      readonly name: string;
      readonly kind: 'found';
      readonly version: string;
      start(): Promise<RecordingOrigin>;
    }
  | { readonly name: string; readonly kind: 'missing'; readonly reason: string };

const applications = toCheckoutPath('test/support');

/** All origins, the proxies among them before a Node server that tells what they passed on. */
export function findRecordingOrigins(): readonly OriginProgram[] {
  const python = process.env['BREAKWATER_PYTHON'] ?? toCheckoutPath('.venv/bin/python');
  return [
    { name: 'node', kind: 'found', version: process.version, start: startNodeOrigin },
    findProgram('nginx', ['nginx', '-v'], () => startBefore(buildNginx)),
    findProgram('apache', ['apache2', '-v'], () => startBefore(buildApache)),
    findProgram('haproxy', ['haproxy', '-v'], () => startBefore(buildHaproxy)),
    findProgram('uvicorn', [python, '-m', 'uvicorn', '--version'], () => startPlain(buildUvicorn(python))),
    findProgram('gunicorn', [python, '-m', 'gunicorn', '--version'], () => startPlain(buildGunicorn(python))),
  ];
}

function findProgram(
  name: string,
  [command = '', ...args]: readonly string[],
  start: () => Promise<RecordingOrigin>,
): OriginProgram {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return { name, kind: 'missing', reason: `no ${name} (tried ${command})` };
  const version = /\d+\.\d+[\w.+-]*/.exec(stdout + stderr)?.[0] ?? 'unknown';
  return { name, kind: 'found', version, start };
}

const echo: RequestListener = (request, response) => {
  const hash = createHash('sha256');
  let length = 0;
  request.on('data', (piece: Buffer) => {
    hash.update(piece);
    length += piece.length;
  });
  request.on('end', () => {
    const mark = request.headers['x-mark'];
    const told: OriginEcho = {
      method: request.method ?? '',
      target: request.url ?? '',
      mark: typeof mark === 'string' ? mark : null,
      length,
      sha256: hash.digest('hex'),
    };
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(told));
  });
};

async function startNodeOrigin(): Promise<RecordingOrigin> {
  const server = createServer({ keepAliveTimeout: 60_000 }, echo).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

interface Place {
  readonly directory: string;
  readonly port: number;
  readonly backendPort: number;
}

/** A proxy with a configuration in a directory of its own, before a Node server. */
async function startBefore(build: (place: Place) => ServerCommand): Promise<RecordingOrigin> {
  const backend = await startNodeOrigin();
  const directory = mkdtempSync(join(tmpdir(), 'breakwater-origin-'));
  const program = await startServerProgram((port) => build({ directory, port, backendPort: backend.port }));
  return {
    port: program.port,
    async stop() {
      await program.stop();
      await backend.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startPlain(build: (port: number) => ServerCommand): Promise<RecordingOrigin> {
  return startServerProgram(build);
}

function buildNginx({ directory, port, backendPort }: Place): ServerCommand {
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `user root; daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_max_body_size 16m; keepalive_timeout 60; keepalive_requests 100000;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  server { listen 127.0.0.1:${port}; location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${backendPort}; } }
}
`,
  );
  return { command: 'nginx', args: ['-e', `${directory}/error.log`, '-c', file] };
}

const apacheModules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http'];

function buildApache({ directory, port, backendPort }: Place): ServerCommand {
  const file = join(directory, 'apache.conf');
  writeFileSync(
    file,
    `${apacheModules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerName localhost
User www-data
Group www-data
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
Listen 127.0.0.1:${port}
KeepAlive on
MaxKeepAliveRequests 0
KeepAliveTimeout 60
AllowEncodedSlashes NoDecode
MaxRanges none
ProxyPass / http://127.0.0.1:${backendPort}/ nocanon
`,
  );
  return { command: 'apache2', args: ['-f', file, '-D', 'FOREGROUND'] };
}

function buildHaproxy({ directory, port, backendPort }: Place): ServerCommand {
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 60s
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server one 127.0.0.1:${backendPort}
`,
  );
  return { command: 'haproxy', args: ['-db', '-f', file] };
}

function buildUvicorn(python: string): (port: number) => ServerCommand {
  const app = ['recording-origin-app:asgi', '--app-dir', applications];
  const flags = ['--lifespan', 'off', '--log-level', 'critical', '--timeout-keep-alive', '60'];
  return (port) => ({
    command: python,
    args: ['-m', 'uvicorn', ...app, ...flags, '--port', `${port}`],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
}

function buildGunicorn(python: string): (port: number) => ServerCommand {
  const app = ['recording-origin-app:wsgi', '--chdir', applications];
  const flags = [
    '--worker-class',
    'gthread',
    '--threads',
    '32',
    '--keep-alive',
    '60',
    '--log-level',
    'critical',
  ];
  return (port) => ({
    command: python,
    args: ['-m', 'gunicorn', ...app, ...flags, '--bind', `127.0.0.1:${port}`],
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
}
