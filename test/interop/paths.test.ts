import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectTarget, InteropClient } from '../support/interop-client.ts';
import { startInteropGateway, type InteropGatewayOptions, type LogLine } from '../support/interop-gateway.ts';
import { connectSdk1 } from '../support/interop-sdk-clients.ts';
import {
  findFastmcpPython,
  programsAreMandatory,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';

const python = findFastmcpPython();
const isExcused = python.kind === 'missing' && !programsAreMandatory;
const excuse = python.kind === 'missing' ? ` (did not run: ${python.reason})` : '';
const protocols = ['h1', 'h2'] as const;

type Paths = Required<Pick<InteropGatewayOptions, 'path' | 'upstreamPath'>>;

describe.skipIf(isExcused)(`FastMCP at another path${excuse}`, () => {
  const servers = new Map<ConnectTarget['transport'], ServerProgram>();

  beforeAll(async () => {
    const script = toCheckoutPath('test/fixtures/interop/fastmcp-server.py');
    const start = (transport: string): Promise<ServerProgram> =>
      startServerProgram((port) => ({
        command: toProgramPath(python),
        args: [script, String(port), transport],
        env: { FASTMCP_SHOW_SERVER_BANNER: 'false', FASTMCP_CHECK_FOR_UPDATES: 'off' },
      }));
    const [http, sse] = await Promise.all([start('http'), start('sse')]);
    servers.set('streamable-http', http).set('http-sse', sse);
  });
  afterAll(async () => {
    for (const server of servers.values()) await server.stop();
  });

  /** Calls a tool through a gateway with these paths. */
  async function callThrough(
    paths: Paths,
    target: Pick<ConnectTarget, 'protocol' | 'transport'>,
  ): Promise<readonly LogLine[]> {
    const upstreamPort = servers.get(target.transport)?.port ?? 0;
    const gateway = await startInteropGateway({ upstreamPort, ...paths });
    let client: InteropClient | undefined;
    try {
      const url = new URL(`https://localhost:${gateway.port}${paths.path}`);
      client = await connectSdk1({ url, ca: gateway.ca, caFile: '', ...target });
      await client.call({ name: 'echo', arguments: { message: 'hi' } });
    } finally {
      await client?.close();
      await gateway.stop();
    }
    return gateway.lines;
  }

  it.each(protocols)(
    'redirects with 307, which the gateway follows with the body, over %s',
    async (protocol) => {
      const paths = { path: '/mcp', upstreamPath: '/mcp/' };
      const lines = await callThrough(paths, { protocol, transport: 'streamable-http' });
      const called = lines.find((line) => line['rpc'] === 'tools/call');
      expect(called).toMatchObject({ path: '/mcp', status: 200, upstream_status: 200 });
    },
  );

  it('control: the server does redirect there', async () => {
    const port = servers.get('streamable-http')?.port;
    const answer = await fetch(`http://127.0.0.1:${port}/mcp/`, { method: 'POST', redirect: 'manual' });
    expect(answer.status).toBe(307);
  });

  it.each(protocols)('answers under the public path it was given, over %s', async (protocol) => {
    const paths = { path: '/tools/echo', upstreamPath: '/mcp' };
    const lines = await callThrough(paths, { protocol, transport: 'streamable-http' });
    expect(new Set(lines.map((line) => line['path']))).toEqual(new Set(['/tools/echo']));
  });

  it.each(protocols)('announces an HTTP+SSE endpoint that clients can reach, over %s', async (protocol) => {
    const paths = { path: '/tools/sse', upstreamPath: '/sse' };
    const lines = await callThrough(paths, { protocol, transport: 'http-sse' });
    const posted = new Set(lines.filter((line) => line['method'] === 'POST').map((line) => line['path']));
    expect(posted).toEqual(new Set(['/tools/messages/']));
  });
});
