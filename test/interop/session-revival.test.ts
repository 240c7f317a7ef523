import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { ConnectTarget, InteropClient } from '../support/interop-client.ts';
import { connectFastmcp } from '../support/interop-fastmcp-client.ts';
import { connectClient2, connectSdk1 } from '../support/interop-sdk-clients.ts';
import {
  findFastmcpPython,
  programsAreMandatory,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';
import { buildRoute } from '../support/routes.ts';

const python = findFastmcpPython();
const sessions = { revival: true, idleTimeout: 1_800_000, live: 10_000, noted: 100_000 };

const clients = {
  'TypeScript SDK 1': connectSdk1,
  'TypeScript client 2': (target: ConnectTarget) => connectClient2(target, 'legacy'),
  FastMCP: (target: ConnectTarget) => connectFastmcp(toProgramPath(python), target, 'legacy'),
};

describe.skipIf(python.kind === 'missing' && !programsAreMandatory)('a real client of FastMCP', () => {
  let folder: string;
  const open: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'breakwater-revival-'));
  });
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close();
  });
  afterAll(() => rm(folder, { recursive: true }));

  const startServer = async (marks: string, port?: number): Promise<ServerProgram> => {
    const server = await startServerProgram(
      (own) => ({
        command: toProgramPath(python),
        args: [toCheckoutPath('test/fixtures/interop/counting-server.py'), String(own), marks],
        env: { FASTMCP_SHOW_SERVER_BANNER: 'false', FASTMCP_CHECK_FOR_UPDATES: 'off' },
      }),
      port,
    );
    open.push(() => server.stop());
    return server;
  };
  const startGateway = async (
    ports: readonly number[],
    changes: Partial<Config> = {},
  ): Promise<TestGateway> => {
    const route = {
      ...buildRoute(1),
      upstreams: ports.map((port) => ({
        target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' } as const,
        weight: 1,
        resolvesAll: false,
      })),
    };
    const { sessions: own = sessions } = changes;
    const gateway = await startTestGateway({ upstreamPort: 1, changes: { routes: [route], sessions: own } });
    open.push(() => gateway.stop());
    return gateway;
  };
  const connect = async (gateway: TestGateway, name: keyof typeof clients): Promise<InteropClient> => {
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, gateway.ca);
    const url = new URL(`https://localhost:${gateway.port}/mcp`);
    const client = await clients[name]({
      url,
      protocol: 'h1',
      transport: 'streamable-http',
      ca: gateway.ca,
      caFile,
    });
    open.push(() => client.close());
    return client;
  };
  const mark = async (client: InteropClient, call: string): Promise<string> =>
    (await client.call({ name: 'mark', arguments: { call } })).text;
  const readMarks = async (file: string): Promise<readonly string[]> =>
    (await readFile(file, 'utf8')).trim().split('\n');

  it.each(Object.keys(clients) as (keyof typeof clients)[])(
    '(%s) goes on in its session when the server was started anew, and each call is executed once',
    async (name) => {
      const marks = join(folder, `restarted-${name}`);
      const server = await startServer(marks);
      const gateway = await startGateway([server.port]);
      const client = await connect(gateway, name);
      await mark(client, 'one');
      await server.stop();
      await startServer(marks, server.port);
      await mark(client, 'two');
      await mark(client, 'three');
      expect(await readMarks(marks)).toEqual(['one', 'two', 'three']);
      expect(gateway.gateway.sessions.revived).toBe(1);
    },
    60_000,
  );

  it('control: opted out, the call fails', async () => {
    const marks = join(folder, 'control');
    const server = await startServer(marks);
    const gateway = await startGateway([server.port], { sessions: { ...sessions, revival: false } });
    const client = await connect(gateway, 'TypeScript SDK 1');
    await mark(client, 'one');
    await server.stop();
    await startServer(marks, server.port);
    await expect(mark(client, 'two')).rejects.toThrow('Session not found');
    expect(await readMarks(marks)).toEqual(['one']);
  }, 60_000);

  it('goes on at another of three copies when its own is killed', async () => {
    const marks = join(folder, 'copies');
    const servers = [await startServer(marks), await startServer(marks), await startServer(marks)];
    const gateway = await startGateway(servers.map(({ port }) => port));
    const connected: InteropClient[] = [];
    for (let index = 0; index < 6; index++) connected.push(await connect(gateway, 'TypeScript SDK 1'));
    const markAll = (round: string): Promise<string[]> =>
      Promise.all(connected.map((client, index) => mark(client, `${round}-${index}`)));
    const before = await markAll('before');
    const dead = servers[1]?.port;
    expect(before.some((text) => text.endsWith(`at ${dead}`))).toBe(true);
    await servers[1]?.stop();
    const after = await markAll('after');
    expect(after.some((text) => text.endsWith(`at ${dead}`))).toBe(false);
    const executed = await readMarks(marks);
    expect(executed).toHaveLength(12);
    expect(new Set(executed).size).toBe(12);
  }, 60_000);
});
