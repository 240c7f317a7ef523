import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * `npm start`: the bundled echo server on a free loopback port, the gateway in front of it, and one line that
 * calls the tool through both.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const stateDir = `${root}.breakwater`;
const children: ChildProcess[] = [];

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  child.once('exit', (code) => {
    for (const other of children) other.kill('SIGTERM');
    process.exitCode ||= code ?? 1;
  });
  return child;
}

async function readUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no standard output');
  const [line] = await once(createInterface(child.stdout), 'line');
  return String(line)
    .replace(/^.*?(https?:)/, '$1')
    .trim();
}

function buildCallLine(url: string): string {
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'echo',
      arguments: { message: 'hello' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '1' },
      },
    },
  };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'echo',
  };
  const fields = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
  return `curl -sS --cacert '${stateDir}/local-ca/ca.pem' ${url} ${fields.join(' ')} -d '${JSON.stringify(message)}'`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}
const upstream = await readUrl(start(['examples/echo-server/server.ts', '0']));
const arguments_ = process.argv.slice(2);
const url = await readUrl(
  start(['bin/breakwater.js', 'up', upstream, '--state-dir', stateDir, ...arguments_]),
);
process.stdout.write(`\n${url}\n\nCall the tool from another terminal:\n\n${buildCallLine(url)}\n\n`);
