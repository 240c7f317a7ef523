import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCall, callFields, type CallKind } from './call.ts';
import { toUrl, type Endpoint } from './endpoint.ts';
import { fileLimit, loadCore } from './programs.ts';

/** How much longer than asked a load may take: a proxy that leaves a call unanswered must not hold up the rest. */
const GRACE_SECONDS = 20;

/** How many calls were answered with 2xx in the given time; throws when any was not. */
export type Load = (
  endpoint: Endpoint,
  shape: { readonly connections: number; readonly seconds: number },
) => number;

/** wrk over HTTP/1.1 with keep-alive connections. */
export function createH1Load(directory: string, kind: CallKind = 'echo'): Load {
  const script = join(directory, 'call.lua');
  return (endpoint, { connections, seconds }) => {
    writeFileSync(script, buildScript(endpoint, kind));
    return parseWrk(
      run(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, toUrl(endpoint)], seconds),
    );
  };
}

/** h2load goes on for ever with connections that are not yet open when its time is over. */
const H2_HANDSHAKE_SECONDS = 1 / 50;

/** h2load over HTTP/2, with some calls at a time on each connection. */
export function createH2Load(directory: string, streams: number): Load {
  const data = join(directory, 'call.json');
  writeFileSync(data, buildCall('echo'));
  return (endpoint, { connections, seconds }) => {
    const fields = Object.entries({ ...callFields, ...endpoint.fields });
    const headers = fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const length = Math.max(seconds, Math.ceil(connections * H2_HANDSHAKE_SECONDS));
    const shape = ['-t1', `-c${connections}`, `-m${streams}`, '-D', String(length), '-d', data];
    return parseH2load(run(['h2load', ...shape, ...headers, toUrl(endpoint)], length));
  };
}

/** The answers that wrk counted. */
export function parseWrk(text: string): number {
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1];
  if (refused !== undefined) throw new Error(`${refused} answers were not 2xx`);
  const errors = /Socket errors: .*/.exec(text)?.[0];
  if (errors !== undefined) throw new Error(errors);
  const answers = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  if (answers === 0) throw new Error(`wrk counted no answer: ${text}`);
  return answers;
}

/** The answers that h2load counted. */
export function parseH2load(text: string): number {
  const counts = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text);
  if (counts === null) throw new Error(`h2load said: ${text}`);
  const [succeeded = 0, ...others] = counts.slice(1).map(Number);
  if (succeeded === 0 || others.some((count) => count > 0)) throw new Error(`not only 2xx: ${counts[0]}`);
  return succeeded;
}

function buildScript(endpoint: Endpoint, kind: CallKind): string {
  const fields = Object.entries({ ...callFields, ...endpoint.fields });
  const headers = fields.map(([name, value]) => `wrk.headers["${name}"]="${value}"`);
  const script = [`wrk.method="POST"`, `wrk.body='${buildCall(kind)}'`, ...headers];
  if (endpoint.needsOwnIds) {
    const [before = '', after = ''] = buildCall(kind, '@').split('@');
    script.push(
      'local id=1',
      `request=function() id=id+1; return wrk.format(nil,nil,nil,'${before}'..id..'${after}') end`,
    );
  }
  return `${script.join('\n')}\n`;
}

function run(command: readonly string[], seconds: number): string {
  const limit = `--nofile=${fileLimit}:${fileLimit}`;
  const { error, status, stdout, stderr } = spawnSync(
    'prlimit',
    [limit, 'taskset', '-c', String(loadCore), ...command],
    { encoding: 'utf8', timeout: (seconds + GRACE_SECONDS) * 1000, killSignal: 'SIGKILL' },
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command[0]} failed: ${stderr}`);
  return stdout;
}
