import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { createBrowsers, startPageServer } from '../support/interop-browser.ts';
import type { ConnectTarget, InteropClient, Way } from '../support/interop-client.ts';
import { buildClients, type ClientProgram } from '../support/interop-clients.ts';
import { createTrustingFetch } from '../support/interop-fetch.ts';
import { MatrixReport, toAgreedEra, ways, whyNeverMeet, whyNotShown } from '../support/interop-matrix.ts';
import { buildUpstreams, scenarios, type Scenario, type Upstream } from '../support/interop-upstreams.ts';
import { findChromium, findFastmcpPython, toProgramPath, type ServerProgram } from '../support/programs.ts';

const announceAttempts = 5;
const announceLimitMs = 1000;
/** The shortest event that can hold a notification. */
const notificationBytes = 60;

const python = findFastmcpPython();
const chromium = findChromium();
const report = new MatrixReport();
const pages = await startPageServer();
const browsers = createBrowsers(() => toProgramPath(chromium));
const upstreams = buildUpstreams(python);
const clients = buildClients({ python, chromium, browsers, pageOrigin: pages.origin });

afterAll(async () => {
  await browsers.close();
  await pages.close();
  console.log(report.toText());
});

interface Front {
  readonly upstream: Upstream;
  readonly gateway: TestGateway;
  readonly caFile: string;
}

describe.each(upstreams)('$name', (upstream) => {
  let server: ServerProgram | undefined;
  let gateway: TestGateway | undefined;
  let directory = '';
  let front: Front;

  beforeAll(async () => {
    if (clients.every((client) => ways.every((way) => whyNeverMeet(upstream, client, way)))) return;
    server = await upstream.start();
    gateway = await startTestGateway({
      upstreamPort: server.port,
      upstreamPath: upstream.path,
      path: upstream.path,
      changes: { origins: [pages.origin] },
    });
    directory = await mkdtemp(join(tmpdir(), 'breakwater-interop-'));
    const caFile = join(directory, 'ca.pem');
    await writeFile(caFile, gateway.ca);
    front = { upstream, gateway, caFile };
  });

  afterAll(async () => {
    await gateway?.stop();
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  describe.each(clients)('with $name', (client) => {
    for (const way of ways) testPair({ upstream, client, way, front: () => front });
  });
});

interface PairOptions {
  readonly upstream: Upstream;
  readonly client: ClientProgram;
  readonly way: Way;
  /** Known only when the tests run. */
  readonly front: () => Front;
}

function testPair({ upstream, client, way, front }: PairOptions): void {
  const path = `${upstream.path}${way.slash ? '/' : ''}`;
  const title = `${way.protocol} ${path}`;
  const row = { upstream: upstream.name, client: client.name, way: title };
  const separation = whyNeverMeet(upstream, client, way);
  if (separation !== undefined) {
    report.separate(row, separation);
    it.skip(`${title} does not apply: ${separation}`, () => undefined);
    return;
  }

  report.expect(row);
  describe(title, () => {
    let pair: Pair;

    beforeAll(async () => {
      pair = await connectPair(front(), client, way);
    });
    afterAll(() => pair?.client.close());

    it('agrees on the revision', () => {
      const { revision } = pair.client;
      // A bridge tells its own client the legacy one, whatever it speaks to the gateway.
      const isBridged = client.name.startsWith('mcp-remote');
      const modern = toAgreedEra(upstream, client) === 'modern' && !isBridged;
      expect(revision).toBe(modern ? '2026-07-28' : '2025-11-25');
    });

    for (const scenario of scenarios) {
      const excuse = whyNotShown(upstream, client, scenario);
      if (excuse !== undefined) {
        report.excuse(row, { scenario, reason: excuse });
        it.skip(`${scenario} does not apply: ${excuse}`, () => undefined);
        continue;
      }
      it(scenario, async () => {
        await show[scenario](pair);
        report.pass(row, scenario);
      });
    }

    it('went all this way, and the gateway refused nothing', async () => {
      await pair.client.close();
      await vi.waitFor(() => expect(front().gateway.gateway.load.exchanges).toBe(0), 5000);
      const lines = pair.lines().filter((line) => !isMetadataSearch(line));
      expect(new Set(lines.map((line) => line['protocol']))).toEqual(new Set([way.protocol]));
      expect(lines.filter((line) => line['error'] !== undefined)).toEqual([]);
      // The messages of HTTP+SSE go to a path of the server's choice.
      const addressed = lines.filter((line) => upstream.transport !== 'http-sse' || line['method'] === 'GET');
      expect(new Set(addressed.map((line) => line['path']))).toEqual(new Set([path]));
      const listing = lines.find((line) => line['rpc'] === 'tools/list');
      expect(listing?.['revision'] === '2026-07-28').toBe(toAgreedEra(upstream, client) === 'modern');
      // The call of the announcement was over before it, so only such a stream can have carried it.
      const isAnnounced = (['notification', 'listen'] as const).some(
        (scenario) => whyNotShown(upstream, client, scenario) === undefined,
      );
      if (isAnnounced) expect(lines.some(isAnnouncementStream)).toBe(true);
    });
  });
}

/** A stream of its own on which at least one notification came. */
function isAnnouncementStream(line: LogLine): boolean {
  const hasNoEnd = line['method'] === 'GET' || line['rpc'] === 'subscriptions/listen';
  return hasNoEnd && line['stream'] === true && Number(line['bytes_out']) > notificationBytes;
}

/** mcp-remote looks for OAuth metadata on its way; a gateway without access control has none. */
function isMetadataSearch(line: LogLine): boolean {
  return String(line['path']).includes('/.well-known/') && line['status'] === 404;
}

/** A client connected through the gateway, and what the gateway logged since. */
interface Pair {
  readonly client: InteropClient;
  readonly upstream: Upstream;
  readonly target: ConnectTarget;
  lines(): readonly LogLine[];
}

type LogLine = Readonly<Record<string, unknown>>;

async function connectPair(front: Front, client: ClientProgram, way: Way): Promise<Pair> {
  const { upstream, gateway, caFile } = front;
  const from = gateway.lines.length;
  const target: ConnectTarget = {
    url: new URL(`https://localhost:${gateway.port}${upstream.path}${way.slash ? '/' : ''}`),
    protocol: way.protocol,
    transport: upstream.transport,
    ca: gateway.ca,
    caFile,
  };
  return { client: await client.connect(target), upstream, target, lines: () => gateway.lines.slice(from) };
}

const show: { readonly [scenario in Scenario]: (pair: Pair) => Promise<void> } = {
  async list({ client, upstream }) {
    const names = Object.values(upstream.exercises).map(({ tool }) => tool.name);
    expect(await client.listTools()).toEqual(expect.arrayContaining(names));
  },
  async call(pair) {
    await call(pair, 'call');
  },
  async progress(pair) {
    const { length } = pair.upstream.exercises.progress?.progress ?? [];
    const progress = await call(pair, 'progress');
    expect(progress.slice(0, length)).toEqual(pair.upstream.exercises.progress?.progress);
  },
  async elicitation(pair) {
    await call(pair, 'elicitation');
  },
  async sampling(pair) {
    await call(pair, 'sampling');
  },
  async notification(pair) {
    await hearAnnouncement(pair);
  },
  async listen(pair) {
    const stop = await pair.client.listen();
    await hearAnnouncement(pair);
    await stop();
  },
  async 'session end'({ client, upstream, target, lines }) {
    const { sessionId } = client;
    await client.endSession();
    await vi.waitFor(() => {
      const ended = lines().find((line) => line['method'] === 'DELETE');
      expect(ended?.['upstream_status']).toBe(200);
    });
    expect(sessionId).toBeDefined();
    expect(await askAgain(target, sessionId ?? '')).toBe(upstream.deadSessionStatus);
  },
};

/** Runs the exercise of a scenario and returns the progress it made. */
async function call(
  { client, upstream }: Pair,
  scenario: keyof Upstream['exercises'],
): Promise<readonly number[]> {
  const exercise = upstream.exercises[scenario];
  if (exercise === undefined) throw new Error(`${upstream.name} has no tool for ${scenario}`);
  const { text, progress } = await client.call(exercise.tool);
  expect(text).toContain(exercise.expected);
  return progress;
}

/** Asks for the announcement until it is heard: the client may still be opening the stream for it. */
async function hearAnnouncement(pair: Pair): Promise<void> {
  const { client, upstream } = pair;
  for (let attempt = 0; attempt < announceAttempts; attempt++) {
    await call(pair, 'notification');
    if (await client.notifications.heard(upstream.announcement, announceLimitMs)) return;
  }
  expect.fail(`${upstream.announcement} was not heard`);
}

/** The status of a further request in a session. */
async function askAgain(target: ConnectTarget, sessionId: string): Promise<number> {
  const { fetch, close } = createTrustingFetch(target);
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      headers: {
        Accept: 'application/json, text/event-stream',
        'Content-Type': 'application/json',
        'MCP-Protocol-Version': '2025-11-25',
        'Mcp-Session-Id': sessionId,
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    });
    await response.text();
    return response.status;
  } finally {
    await close();
  }
}
