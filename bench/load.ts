import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCore } from './programs.ts';

/** How many calls were answered with 2xx; throws when any was not. */
export type Load = (options: { readonly port: number; readonly seconds: number }) => number;

const body =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello hello hello hello hello hello"}}}';
const fields: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-session-id': '3b1c9d7c5f1c4c4bb0d1',
  'mcp-protocol-version': '2025-11-25',
};

/** wrk over HTTP/1.1 with keep-alive connections. */
export function createH1Load(directory: string, connections: number): Load {
  const script = join(directory, 'call.lua');
  const headers = Object.entries(fields).map(([name, value]) => `wrk.headers["${name}"]="${value}"`);
  writeFileSync(script, `wrk.method="POST"\nwrk.body='${body}'\n${headers.join('\n')}\n`);
  return ({ port, seconds }) => {
    const url = `https://localhost:${port}/mcp`;
    const text = run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]);
    const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1];
    if (refused !== undefined) throw new Error(`${refused} answers were not 2xx`);
    const errors = /Socket errors: .*/.exec(text)?.[0];
    if (errors !== undefined) throw new Error(errors);
    return Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  };
}

/** h2load over HTTP/2. */
export function createH2Load(directory: string, connections: number, streams: number): Load {
  const data = join(directory, 'call.json');
  writeFileSync(data, body);
  const headers = Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  return ({ port, seconds }) => {
    const shape = ['-t1', `-c${connections}`, `-m${streams}`, '-D', String(seconds), '-d', data];
    const text = run('h2load', [...shape, ...headers, `https://localhost:${port}/mcp`]);
    const counts = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text);
    if (counts === null) throw new Error(`h2load said: ${text}`);
    const [succeeded = 0, ...others] = counts.slice(1).map(Number);
    if (others.some((count) => count > 0)) throw new Error(`not only 2xx: ${counts[0]}`);
    return succeeded;
  };
}

function run(command: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync('taskset', ['-c', String(loadCore), command, ...args], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  return stdout;
}
