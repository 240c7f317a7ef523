import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as Server1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { startSilenceRelay } from '../soak/silence-relay.ts';
import { startTestGateway } from '../support/gateway.ts';
import type { ConnectTarget, InteropClient } from '../support/interop-client.ts';
import { connectClient2, connectSdk1 } from '../support/interop-sdk-clients.ts';
import { until } from '../support/until.ts';

/** Milliseconds of silence that the relay bears; three times what the gateway is silent for at most. */
const BORNE = 3000;
const deferring = { keepAlive: { json: 500 }, timeouts: { heartbeat: 500 } };

/** What a Node server hands out: method and target are always there. */
type ServerRequest = IncomingMessage & { readonly method: string; readonly url: string };

interface SlowTool {
  readonly calls: number;
  run(): Promise<{ content: [{ type: 'text'; text: string }] }>;
  /** Lets all calls end. */
  release(): void;
}

function createSlowTool(): SlowTool {
  let calls = 0;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return {
    get calls() {
      return calls;
    },
    async run() {
      calls++;
      await released;
      return { content: [{ type: 'text', text: 'done at last' }] };
    },
    release: () => release(),
  };
}

const identity = { name: 'slow', version: '1.0.0' };

/** A server with sessions whose answers are JSON, on the SDK of version 1. */
async function serveLegacy(tool: SlowTool): Promise<RequestListener> {
  const server = new Server1(identity);
  server.registerTool('wait', {}, () => tool.run());
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => 'the-only-session',
    enableJsonResponse: true,
  });
  await server.connect(transport);
  return (request, response) => void transport.handleRequest(request, response);
}

/** A server of revision 2026-07-28, whose answers are JSON as long as nothing else is to be told. */
async function serveModern(tool: SlowTool): Promise<RequestListener> {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer(identity);
      server.registerTool('wait', {}, () => tool.run());
      return server;
    },
    { legacy: 'reject' },
  );
  const listener = toNodeHandler(handler);
  return (request, response) => void listener(request as ServerRequest, response);
}

interface Case {
  readonly name: string;
  readonly protocol: ConnectTarget['protocol'];
  readonly serve: (tool: SlowTool) => Promise<RequestListener>;
  readonly connect: (target: ConnectTarget) => Promise<InteropClient>;
}

const cases: readonly Case[] = [
  { name: 'the SDK 1.32 over HTTP/1.1', protocol: 'h1', serve: serveLegacy, connect: connectSdk1 },
  {
    name: 'the client 2.4 of 2025 over HTTP/1.1',
    protocol: 'h1',
    serve: serveLegacy,
    connect: (target) => connectClient2(target, 'legacy'),
  },
  {
    name: 'the client 2.4 of 2026 over HTTP/2',
    protocol: 'h2',
    serve: serveModern,
    connect: (target) => connectClient2(target, { pin: '2026-07-28' }),
  },
];

/** What a call becomes that takes longer than a relay between client and gateway bears silence. */
async function callThroughCutter(one: Case, changes: typeof deferring | undefined): Promise<string> {
  const tool = createSlowTool();
  const upstream = createServer(await one.serve(tool));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const upstreamPort = (upstream.address() as AddressInfo).port; // It is no Unix socket.
  const gateway = await startTestGateway({ upstreamPort, ...(changes === undefined ? {} : { changes }) });
  const relay = await startSilenceRelay(gateway.port);
  let client: InteropClient | undefined;
  try {
    const url = new URL(`https://localhost:${relay.port}/mcp`);
    const { protocol } = one;
    client = await one.connect({ url, protocol, ca: gateway.ca, caFile: '', transport: 'streamable-http' });
    const call = client.call({ name: 'wait', arguments: {} }).then(
      ({ text }) => text,
      () => 'the call died',
    );
    await until(() => tool.calls === 1);
    // It says nothing, so that once it is cut the call has been longer than the relay bears.
    const before = gateway.gateway.load.connections;
    const measure = connect(relay.port, '127.0.0.1');
    measure.resume();
    await until(() => gateway.gateway.load.connections > before);
    relay.cutAfter(BORNE);
    await once(measure, 'close');
    tool.release();
    return await call;
  } finally {
    await client?.close();
    relay.stop();
    await gateway.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
}

describe.each(cases)('a tool that is slower than what cuts silent connections, for $name', (one) => {
  it('is answered when the gateway defers', async () => {
    expect(await callThroughCutter(one, deferring)).toBe('done at last');
  });

  it('control: dies when it does not', async () => {
    expect(await callThroughCutter(one, undefined)).toBe('the call died');
  });
});
