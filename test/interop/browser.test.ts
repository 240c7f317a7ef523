import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowsers, startPageServer, type PageServer } from '../support/interop-browser.ts';
import { startInteropGateway, type InteropGateway } from '../support/interop-gateway.ts';
import { findChromium, programsAreMandatory, toProgramPath } from '../support/programs.ts';
import { startScriptedUpstream, type Answer, type ScriptedUpstream } from '../support/scripted-upstream.ts';

const chromium = findChromium();
const isExcused = chromium.kind === 'missing' && !programsAreMandatory;
const excuse = chromium.kind === 'missing' ? ` (did not run: ${chromium.reason})` : '';
const call = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
const result = '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}';

const answerInSession: Answer = ({ socket }) => {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: abc`;
  socket.write(`${head}\r\nContent-Length: ${result.length}\r\n\r\n${result}`);
};

/** What a page learns of one request: the answer it may read, or that the browser withheld it. */
function buildProbe(url: string, init: Readonly<Record<string, unknown>>): string {
  return `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
    async (response) => ({
      status: response.status,
      session: response.headers.get('mcp-session-id'),
      text: await response.text(),
    }),
    (error) => error.name,
  )`;
}

const mcpRequest = {
  method: 'POST',
  body: call,
  headers: {
    Accept: 'application/json, text/event-stream',
    Authorization: 'Bearer none',
    'Content-Type': 'application/json',
    'Last-Event-ID': '1',
    'MCP-Protocol-Version': '2025-11-25',
    'Mcp-Method': 'tools/list',
    'Mcp-Session-Id': 'abc',
  },
};
/** Needs no preflight, so that only the gateway stands between such a page and the server. */
const simpleRequest = { method: 'POST', body: call, headers: { 'Content-Type': 'text/plain' } };

describe.skipIf(isExcused).each(['h1', 'h2'] as const)(`a page in Chromium over %s${excuse}`, (protocol) => {
  const browsers = createBrowsers(() => toProgramPath(chromium));
  let friend: PageServer;
  let stranger: PageServer;
  let upstream: ScriptedUpstream;
  let gateway: InteropGateway;
  let url: string;
  let page: Page;

  const visit = async (server: PageServer): Promise<void> => {
    page = await browsers.openPage(server.origin, protocol);
  };
  const probe = (init: Readonly<Record<string, unknown>>): Promise<unknown> =>
    page.evaluate(buildProbe(url, init));
  const outcomes = async (): Promise<readonly unknown[]> => {
    await gateway.logged();
    return gateway.lines.map((line) => [line['protocol'], line['method'], line['status'], line['error']]);
  };

  beforeAll(async () => {
    friend = await startPageServer();
    stranger = await startPageServer();
  });
  afterAll(async () => {
    await browsers.close();
    await friend.close();
    await stranger.close();
  });
  beforeEach(async () => {
    upstream = await startScriptedUpstream(answerInSession);
    gateway = await startInteropGateway({ upstreamPort: upstream.port, origins: [friend.origin] });
    url = `https://localhost:${gateway.port}/mcp`;
  });
  afterEach(async () => {
    await page.context().close();
    await gateway.stop();
    await upstream.stop();
  });

  it('of an allowed origin passes the preflight for all MCP headers and reads the answer and its session', async () => {
    await visit(friend);
    expect(await probe(mcpRequest)).toEqual({ status: 200, session: 'abc', text: result });
    expect(await outcomes()).toEqual([
      [protocol, 'OPTIONS', 204, undefined],
      [protocol, 'POST', 200, undefined],
    ]);
    expect(upstream.requests).toHaveLength(1);
  });

  it('of an allowed origin reads a refusal of the gateway, too', async () => {
    await visit(friend);
    expect(await probe({ ...mcpRequest, body: 'no JSON' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('-32700'),
    });
  });

  it('of an allowed origin may end a session', async () => {
    await visit(friend);
    const { body: _body, ...ending } = { ...mcpRequest, method: 'DELETE' };
    await probe(ending);
    expect(upstream.requests[0]?.head).toMatch(/^DELETE \/mcp /);
  });

  it('of another origin is stopped at the preflight (DNS rebinding)', async () => {
    await visit(stranger);
    expect(await probe(mcpRequest)).toBe('TypeError');
    expect(await outcomes()).toEqual([[protocol, 'OPTIONS', 403, 'E_ORIGIN_REFUSED']]);
    expect(upstream.requests).toHaveLength(0);
  });

  it('of another origin cannot run a tool with a request that needs no preflight (drive-by call)', async () => {
    await visit(stranger);
    expect(await probe(simpleRequest)).toBe('TypeError');
    expect(await probe({ ...simpleRequest, mode: 'no-cors' })).toMatchObject({ status: 0 });
    expect(await outcomes()).toEqual([
      [protocol, 'POST', 403, 'E_ORIGIN_REFUSED'],
      [protocol, 'POST', 403, 'E_ORIGIN_REFUSED'],
    ]);
    expect(upstream.requests).toHaveLength(0);
  });

  it('control: the same simple request of an allowed origin does reach the server', async () => {
    await visit(friend);
    expect(await probe(simpleRequest)).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(1);
  });
});
