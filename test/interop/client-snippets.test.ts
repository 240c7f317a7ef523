import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { get as getPlain } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli } from '../cli/capture-io.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectVersion1 } from '../support/interop-sdk-clients.ts';
import { buildKeys } from '../support/keys.ts';
import { startLoginServer } from '../support/login-server.ts';
import {
  findFastmcpPython,
  programsAreMandatory,
  resolvePackageFile,
  startServerProgram,
  stopProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';

const python = findFastmcpPython();
const isExcused = python.kind === 'missing' && !programsAreMandatory;
const excuse = python.kind === 'missing' ? ` (did not run: ${python.reason})` : '';
const { key, auth } = buildKeys();
const envelope = z.object({ snippet: z.string(), environment: z.record(z.string(), z.string()) });
const hostEntry = z.object({
  mcpServers: z.record(
    z.string(),
    z.object({
      command: z.literal('npx'),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  ),
});

let server: ServerProgram;
let open: TestGateway;
let locked: TestGateway;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breakwater-snippets-'));
  await symlink(toCheckoutPath('node_modules'), join(folder, 'node_modules'));
  server = await startServerProgram((port) => ({
    command: process.execPath,
    args: [toCheckoutPath('test/fixtures/interop/typescript-server.ts'), String(port)],
  }));
  open = await startTestGateway({ upstreamPort: server.port });
  locked = await startTestGateway({ upstreamPort: server.port, auth });
});
afterAll(async () => {
  await open.stop();
  await locked.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

/** What the command prints for an endpoint, whose authority lies in a state directory of its own. */
async function printFor(
  client: string,
  endpoint: { readonly url: string; readonly ca: string; readonly access: 'none' | 'key' | 'oauth' },
): Promise<z.infer<typeof envelope>> {
  const stateDir = await mkdtemp(join(folder, 'state-'));
  await mkdir(join(stateDir, 'local-ca'));
  for (const file of ['ca.pem', 'bundle.pem']) await writeFile(join(stateDir, 'local-ca', file), endpoint.ca);
  const argv = ['--for', client, '--url', endpoint.url, '--auth', endpoint.access, '--state-dir', stateDir];
  const { stdout, stderr } = await runCli(['client', ...argv, '--json']);
  expect(stderr).toBe('');
  return envelope.parse(JSON.parse(stdout));
}

function printForGateway(client: string, access: 'none' | 'key'): Promise<z.infer<typeof envelope>> {
  const { port, ca } = access === 'key' ? locked : open;
  return printFor(client, { url: `https://localhost:${port}/mcp`, ca, access });
}

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: unknown; readonly printed: string; readonly complaints: string }>;
}

/** Runs a printed program as it stands, with the variables that were printed beside it. */
async function start(
  command: string,
  file: string,
  { snippet, environment }: z.infer<typeof envelope>,
  more: Readonly<Record<string, string>>,
): Promise<Run> {
  const path = join(folder, file);
  await writeFile(path, snippet);
  const child = spawn(command, [path], {
    env: { ...getDefaultEnvironment(), ...environment, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return {
    child,
    ended: output.then(([printed, complaints, [code]]) => ({ code, printed, complaints })),
  };
}

describe.each([
  { client: 'typescript', file: 'plain.ts', skip: false },
  { client: 'python', file: 'plain.py', skip: isExcused },
])('the program for $client', ({ client, file, skip }) => {
  const command = (): string => (client === 'python' ? toProgramPath(python) : process.execPath);

  it.skipIf(skip)(`lists the tools of an open gateway${skip ? excuse : ''}`, async () => {
    const run = await start(command(), file, await printForGateway(client, 'none'), {});
    expect(await run.ended).toMatchObject({ code: 0, printed: expect.stringMatching(/^echo$/m) });
  });

  it.skipIf(skip)(`lists the tools with an API key${skip ? excuse : ''}`, async () => {
    const printed = await printForGateway(client, 'key');
    const run = await start(command(), file, printed, { MCP_API_KEY: key });
    expect(await run.ended).toMatchObject({ code: 0, printed: expect.stringMatching(/^echo$/m) });
  });

  it.skipIf(skip)(`control: fails with another key${skip ? excuse : ''}`, async () => {
    const printed = await printForGateway(client, 'key');
    const run = await start(command(), file, printed, { MCP_API_KEY: buildKeys().key });
    expect(await run.ended).toMatchObject({ code: 1, printed: '' });
  });
});

describe('the program for typescript with a login', () => {
  it('opens the login, takes what comes back, and lists the tools', async () => {
    const login = await startLoginServer(server.port);
    const printed = await printFor('typescript', { url: login.url.href, ca: login.ca, access: 'oauth' });
    const run = await start(process.execPath, 'login.ts', printed, {});
    try {
      const url = await waitForLogin(run);
      const callback = new URL(await visit(url, login.ca));
      const state = callback.searchParams.get('state') ?? '';
      // What others send to the callback is left alone.
      callback.searchParams.set('state', 'forged');
      expect(await visitPlain(callback.href)).toBe(404);
      expect(login.issued).toBe(0);
      callback.searchParams.set('state', state);
      expect(await visitPlain(callback.href)).toBe(200);
      expect(await run.ended).toMatchObject({ code: 0, printed: expect.stringMatching(/^echo$/m) });
      expect(login.issued).toBe(1);
    } finally {
      await stopProgram(run.child);
      await login.stop();
    }
  });
});

/** The address that the program asks to open; fails with what it said when it ends before. */
function waitForLogin({ child, ended }: Run): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const [, url] = /^Open (\S+)$/m.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    void ended.then(({ complaints }) => reject(new Error(complaints)));
  });
}

/** Where a page sends the browser. */
function visit(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca });
    get(url, { agent }, (response) => {
      response.resume();
      resolve(response.headers.location ?? '');
    }).on('error', reject);
  });
}

function visitPlain(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    getPlain(url, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

describe.each(['mcp-remote', 'claude-desktop'])('the entry for %s', (client) => {
  /** Starts what the entry says, as a host does; the package is the one that is installed here. */
  async function connect(access: 'none' | 'key', secret: string): ReturnType<typeof connectVersion1> {
    const { snippet } = await printForGateway(client, access);
    const entry = hostEntry.parse(JSON.parse(snippet.replace('YOUR_API_KEY', secret))).mcpServers[
      'breakwater'
    ];
    expect(entry?.args.slice(0, 2)).toEqual(['-y', 'mcp-remote']);
    return connectVersion1(
      new StdioClientTransport({
        command: process.execPath,
        args: [resolvePackageFile('mcp-remote/dist/proxy.js'), ...(entry?.args.slice(2) ?? [])],
        env: {
          ...getDefaultEnvironment(),
          ...entry?.env,
          MCP_REMOTE_CONFIG_DIR: await mkdtemp(join(folder, 'bridge-')),
        },
        stderr: 'ignore',
      }),
    );
  }

  it.each(['none', 'key'] as const)('brings a host to the tools with access %s', async (access) => {
    const host = await connect(access, key);
    expect(await host.listTools()).toContain('echo');
    await host.close();
  });
});
