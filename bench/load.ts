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

/** wrk over HTTP/1.1 with keep-alive connections; where heads change, each call has a field value and an id of its own. */
export function createH1Load(directory: string, kind: CallKind = 'echo', heads?: 'changing'): Load {
  const script = join(directory, 'call.lua');
  return (endpoint, { connections, seconds }) => {
    writeFileSync(script, buildScript(endpoint, kind, heads));
    return parseWrk(
      run(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, toUrl(endpoint)], seconds),
    );
  };
}

/** What a proxy is taken to answer a second before it was measured. */
const FIRST_GUESS = 4000;

/**
 * h2load over HTTP/2, with some calls at a time on each connection. It gets a number of calls that take about the time that was
 * asked for, because with a time it goes on for ever with connections that open only when that is over.
 */
export function createH2Load(directory: string, streams: number): Load {
  const data = join(directory, 'call.json');
  writeFileSync(data, buildCall('echo'));
  const rates = new Map<number, number>();
  return (endpoint, { connections, seconds }) => {
    const fields = Object.entries({ ...callFields, ...endpoint.fields });
    const headers = fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const calls = Math.ceil(seconds * (rates.get(endpoint.port) ?? FIRST_GUESS));
    const shape = ['-t1', `-c${connections}`, `-m${streams}`, '-n', String(calls), '-d', data];
    const startedAt = performance.now();
    const answers = parseH2load(run(['h2load', ...shape, ...headers, toUrl(endpoint)], seconds));
    if (answers < calls) throw new Error(`${calls - answers} of ${calls} calls got no answer`);
    rates.set(endpoint.port, (answers * 1000) / (performance.now() - startedAt));
    return answers;
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

function buildScript(endpoint: Endpoint, kind: CallKind, heads: 'changing' | undefined): string {
  const fields = Object.entries({ ...callFields, ...endpoint.fields });
  const headers = fields.map(([name, value]) => `wrk.headers["${name}"]="${value}"`);
  const script = [`wrk.method="POST"`, `wrk.body='${buildCall(kind)}'`, ...headers];
  if (endpoint.needsOwnIds || heads === 'changing') {
    const [before = '', after = ''] = buildCall(kind, '@').split('@');
    const change = heads === 'changing' ? 'wrk.headers["mcp-param-call"]="call-"..id;' : '';
    script.push(
      'local id=1',
      `request=function() id=id+1; ${change} return wrk.format(nil,nil,nil,'${before}'..id..'${after}') end`,
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
