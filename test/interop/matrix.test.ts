import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBrowsers, startPageServer } from '../support/interop-browser.ts';
import type { ConnectTarget, InteropClient, Way } from '../support/interop-client.ts';
import { buildClients, type ClientProgram } from '../support/interop-clients.ts';
import { createTrustingFetch } from '../support/interop-fetch.ts';
import { startInteropGateway, type InteropGateway, type LogLine } from '../support/interop-gateway.ts';
import { MatrixReport, toAgreedEra, ways, whyNeverMeet, whyNotShown } from '../support/interop-matrix.ts';
import {
  buildUpstreams,
  scenarios,
  type CallScenario,
  type Scenario,
  type Upstream,
} from '../support/interop-upstreams.ts';
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
  readonly gateway: InteropGateway;
  readonly caFile: string;
}

describe.each(upstreams)('$name', (upstream) => {
  let server: ServerProgram | undefined;
  let gateway: InteropGateway | undefined;
  let directory = '';
  let front: Front;

  beforeAll(async () => {
    server = await upstream.start();
    gateway = await startInteropGateway({
      upstreamPort: server.port,
      upstreamPath: upstream.path,
      path: upstream.path,
      origins: [pages.origin],
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

  for (const client of clients) {
    // What does not apply is no test: the report at the end lists it with its reason.
    const meetings = ways.flatMap((way) => toMeetings({ upstream, client, way }));
    if (meetings.length === 0) continue;
    describe(`with ${client.name}`, () => {
      for (const meeting of meetings) testPair({ ...meeting, front: () => front });
    });
  }
});

/** A client and a server that can meet in some way, and their row in the report. */
interface Meeting {
  readonly upstream: Upstream;
  readonly client: ClientProgram;
  readonly way: Way;
  readonly path: string;
  readonly row: { readonly upstream: string; readonly client: string; readonly way: string };
}

/** One meeting, or none where the pair cannot meet in this way; both are noted in the report. */
function toMeetings(options: Pick<Meeting, 'upstream' | 'client' | 'way'>): readonly Meeting[] {
  const { upstream, client, way } = options;
  const path = `${upstream.path}${way.slash ? '/' : ''}`;
  const row = { upstream: upstream.name, client: client.name, way: `${way.protocol} ${path}` };
  const separation = whyNeverMeet(upstream, client, way);
  if (separation === undefined) {
    report.expect(row);
    return [{ ...options, path, row }];
  }
  report.separate(row, separation);
  return [];
}

/** `front` is known only when the tests run. */
function testPair(meeting: Meeting & { readonly front: () => Front }): void {
  const { upstream, client, way, path, row, front } = meeting;
  const era = toAgreedEra(upstream, client);

  describe(row.way, () => {
    let pair: Pair;

    beforeAll(async () => {
      pair = await connectPair(front(), client, way);
    });
    afterAll(() => pair?.client.close());

    it('agrees on the revision', () => {
      // A bridge tells its own client the legacy one, whatever it speaks to the gateway.
      const isToldModern = era === 'modern' && !client.isBridge;
      expect(pair.client.revision).toBe(isToldModern ? '2026-07-28' : '2025-11-25');
    });

    for (const scenario of scenarios) {
      const excuse = whyNotShown(upstream, client, scenario);
      if (excuse !== undefined) {
        report.excuse(row, { scenario, reason: excuse });
        continue;
      }
      // A bridge hands messages on without order: now and then the last progress comes behind the answer and is dropped.
      const retry = scenario === 'progress' && client.isBridge ? 2 : 0;
      it(scenario, { retry }, async () => {
        const { observed, expected } = await show[scenario](pair);
        expect(observed).toEqual(expected);
        report.pass(row, scenario);
      });
    }

    it('went all this way, and the gateway refused nothing', async () => {
      await pair.client.close();
      await front().gateway.idle();
      const lines = pair.lines().filter((line) => !isMetadataSearch(line));
      expect(new Set(lines.map((line) => line['protocol']))).toEqual(new Set([way.protocol]));
      expect(lines.filter((line) => line['error'] !== undefined)).toEqual([]);
      // The messages of HTTP+SSE go to a path of the server's choice.
      const addressed = lines.filter((line) => upstream.transport !== 'http-sse' || line['method'] === 'GET');
      expect(new Set(addressed.map((line) => line['path']))).toEqual(new Set([path]));
      const listing = lines.find((line) => line['rpc'] === 'tools/list');
      expect(listing?.['revision'] === '2026-07-28').toBe(era === 'modern');
      const isQuiet = (['notification', 'listen'] as const).every(
        (scenario) => whyNotShown(upstream, client, scenario) !== undefined,
      );
      // The call of an announcement was over before it, so only such a stream can have carried it.
      expect(isQuiet || lines.some(isAnnouncementStream)).toBe(true);
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
  readonly lines: () => readonly LogLine[];
}

async function connectPair(front: Front, client: ClientProgram, way: Way): Promise<Pair> {
  const { upstream, gateway, caFile } = front;
  await gateway.idle();
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

interface Shown {
  readonly observed: unknown;
  readonly expected: unknown;
}

const show: { readonly [scenario in Scenario]: (pair: Pair) => Promise<Shown> } = {
  async list({ client, upstream }) {
    const names = Object.values(upstream.exercises).map(({ tool }) => tool.name);
    return { observed: await client.listTools(), expected: expect.arrayContaining(names) };
  },
  call: (pair) => showCall(pair, 'call'),
  progress: (pair) => showCall(pair, 'progress'),
  elicitation: (pair) => showCall(pair, 'elicitation'),
  sampling: (pair) => showCall(pair, 'sampling'),
  notification: showAnnouncement,
  async listen(pair) {
    const stop = await pair.client.listen();
    const shown = await showAnnouncement(pair);
    await stop();
    return shown;
  },
  async 'session end'({ client, upstream, target, lines }) {
    const { sessionId } = client;
    await client.endSession();
    const ending = await vi.waitUntil(() => lines().find((line) => line['method'] === 'DELETE'));
    const afterwards = sessionId === undefined ? 'no session' : await askAgain(target, sessionId);
    return { observed: [ending['upstream_status'], afterwards], expected: [200, upstream.deadSessionStatus] };
  },
};

async function showCall({ client, upstream }: Pair, scenario: CallScenario): Promise<Shown> {
  const exercise = upstream.exercises[scenario];
  if (exercise === undefined) throw new Error(`${upstream.name} has no tool for ${scenario}`);
  const { text, progress } = await client.call(exercise.tool);
  const expectedProgress = exercise.progress ?? [];
  return {
    observed: { text, progress: progress.slice(0, expectedProgress.length) },
    expected: { text: expect.stringContaining(exercise.expected), progress: expectedProgress },
  };
}

/** Asks for the announcement until it is heard: the client may still be opening the stream for it. */
async function showAnnouncement(pair: Pair): Promise<Shown> {
  const { announcement } = pair.upstream;
  let isHeard = false;
  for (let attempt = 0; attempt < announceAttempts && !isHeard; attempt++) {
    await showCall(pair, 'notification');
    isHeard = await pair.client.notifications.heard(announcement, announceLimitMs);
  }
  return { observed: isHeard ? announcement : 'nothing', expected: announcement };
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
