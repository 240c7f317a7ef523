import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import { createApiKeys } from '../../src/auth/keys/api-keys.ts';
import { openKeyStore } from '../../src/auth/key-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startSteadyCaller } from '../support/steady-caller.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { askGateway, askStatus, waitForWorkers } from './status.ts';

const HEARTBEAT = 5;
const STREAMS = 1000;
const MANY = isFullRun ? 10_000 : 2000;

interface Scene extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateway: GatewayProcess;
  connect(): Promise<RawClient>;
}

async function startScene(config: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const upstream = await startScriptedUpstream((request) => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
    else if (request.body.includes('"initialize"')) beginSession(request);
    else answerJson('{"jsonrpc":"2.0","id":1,"result":{}}')(request);
  });
  const { limits, ...sections } = config;
  const gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    config: { workers: 2, ...sections },
    timeouts: { heartbeat: `${HEARTBEAT}s` },
    limits: { connections: 16_000, ...(limits as object | undefined) },
  });
  if (config['workers'] !== 1) await waitForWorkers(gateway, 2);
  return {
    upstream,
    gateway,
    connect: () => connectRaw({ port: gateway.port, ca: gateway.ca }),
    async [Symbol.asyncDispose]() {
      await gateway.clean();
      await upstream.stop();
    },
  };
}

describe('the death of a worker (T7)', () => {
  const figures: Record<string, string | number> = {};
  let failures = 1;

  it(`by kill -9 costs its own of ${STREAMS} streams and no others, and it is replaced within 2 s`, async () => {
    await using scene = await startScene();
    const { gateway } = scene;
    await using fleet = await startStreamFleet();
    expect((await fleet.open({ ...gateway, streams: STREAMS })).opened).toBe(STREAMS);
    const before = await askStatus(gateway);
    const [victim, survivor] = before.workers;
    expect((victim?.open ?? 0) + (survivor?.open ?? 0)).toBe(STREAMS);
    const start = performance.now();
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await until(async () => (await fleet.report()).running === survivor?.open);
    const report = await fleet.report();
    expect(report.running).toBe(survivor?.open);
    await waitForWorkers(gateway, 2);
    const replaced = performance.now() - start;
    expect(replaced).toBeLessThan(2000);
    // From then on nothing fails that comes.
    const caller = await startSteadyCaller({ ...gateway, perSecond: 100 });
    expect((await fleet.open({ ...gateway, streams: 200 })).failures).toEqual([]);
    await until(() => false, 1.2 * HEARTBEAT * 1000);
    const calls = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(calls.failures).toEqual({});
    const after = await fleet.report();
    expect(after.running).toBe((survivor?.open ?? 0) + 200);
    expect(after.longestSilence).toBeLessThan(2 * HEARTBEAT * 1000);
    expect((await askStatus(gateway)).workers.every(({ pid }) => pid !== victim?.pid)).toBe(true);
    figures['streams of the other worker, none lost'] = survivor?.open ?? 0;
    figures['replaced after'] = `${replaced.toFixed(0)} ms (at most 2000)`;
    figures['longest silence of a stream'] = `${(after.longestSilence / 1000).toFixed(1)} s`;
    await fleet.leave('end');
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints.trim().split('\n')).toEqual([expect.stringContaining('a worker has died')]);
    failures = 0;
  });

  it(`spreads ${MANY} streams evenly`, async () => {
    await using scene = await startScene();
    await using fleet = await startStreamFleet();
    expect((await fleet.open({ ...scene.gateway, streams: MANY })).opened).toBe(MANY);
    const { workers } = await askStatus(scene.gateway);
    const counts = workers.map(({ open }) => open);
    figures['spread of streams'] = counts.join(' and ');
    for (const count of counts) expect(Math.abs(count / (MANY / 2) - 1)).toBeLessThan(0.1);
    await fleet.leave('end');
    expect(await scene.gateway.stop()).toBe(0);
  });

  afterAll(() => {
    recordEvidence({
      id: 'T7',
      title: 'death of a worker',
      cases: STREAMS,
      failures,
      figures,
      control: `the streams of the killed worker end: ${STREAMS} were open, and its own were gone at once`,
    });
  });
});

describe('another number of workers', () => {
  it('comes by a reload, down to one and up again, and fails no call', async () => {
    await using scene = await startScene();
    const { gateway } = scene;
    await using fleet = await startStreamFleet();
    expect((await fleet.open({ ...gateway, streams: 200 })).opened).toBe(200);
    const [kept] = (await askStatus(gateway)).workers;
    const caller = await startSteadyCaller({ ...gateway, perSecond: 50 });
    for (const workers of [1, 3]) {
      await gateway.rewriteConfig({ workers });
      expect(await gateway.reload()).toMatchObject({ ok: true });
      await waitForWorkers(gateway, workers);
    }
    const calls = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(calls.failures).toEqual({});
    expect(calls.answered).toBeGreaterThan(0);
    // Those of the worker that left have ended by their rule; the others never knew.
    expect((await fleet.report()).running).toBe(kept?.open);
    expect((await askStatus(gateway)).workers[0]).toMatchObject({ pid: kept?.pid, open: kept?.open });
    await fleet.leave('end');
    expect(await gateway.stop()).toBe(0);
  });
});

describe('one process', () => {
  it('becomes several by a reload, and no call fails; back to one, and up again', async () => {
    await using scene = await startScene({ workers: 1 });
    const { gateway } = scene;
    await using fleet = await startStreamFleet();
    expect((await fleet.open({ ...gateway, streams: 200 })).opened).toBe(200);
    const caller = await startSteadyCaller({ ...gateway, perSecond: 100 });
    for (const workers of [3, 1, 2]) {
      await gateway.rewriteConfig({ workers });
      expect(await gateway.reload()).toMatchObject({ ok: true });
      await waitForWorkers(gateway, workers);
    }
    const { workers } = await askStatus(gateway);
    expect(workers.every(({ pid, state }) => pid !== gateway.pid || state === 'draining')).toBe(true);
    const calls = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(calls.failures).toEqual({});
    expect((await fleet.open({ ...gateway, streams: 200 })).failures).toEqual([]);
    const counts = (await askStatus(gateway)).workers.filter(({ state }) => state === 'running');
    for (const { open } of counts) expect(Math.abs(open - 100)).toBeLessThanOrEqual(10);
    await fleet.leave('end');
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
  });

  it('goes on alone when no worker can start, and says why', async () => {
    await using scene = await startScene({ workers: 1 });
    const { gateway } = scene;
    const taken = await startScriptedUpstream(answerJson('{}'));
    const caller = await startSteadyCaller({ ...gateway, perSecond: 50 });
    await gateway.rewriteConfig({ workers: 2, plain_http: `127.0.0.1:${taken.port}` });
    const answer = await gateway.reload();
    expect(answer.diagnostics).toEqual([expect.objectContaining({ code: 'E_LISTEN_IN_USE' })]);
    expect((await askStatus(gateway)).workers).toEqual([]);
    await using fleet = await startStreamFleet();
    expect((await fleet.open({ ...gateway, streams: 50 })).failures).toEqual([]);
    await taken.stop();
    await gateway.rewriteConfig({ workers: 2 });
    expect(await gateway.reload()).toMatchObject({ ok: true });
    const calls = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(calls.failures).toEqual({});
    await fleet.leave('end');
    expect(await gateway.stop()).toBe(0);
  });

  it('is replaced by the program on disk, and no call fails', async () => {
    await using scene = await startScene({ workers: 1 });
    const { gateway } = scene;
    const caller = await startSteadyCaller({ ...gateway, perSecond: 100 });
    for (let round = 0; round < 3; round++) {
      const before = new Set((await askStatus(gateway)).workers.map(({ pid }) => pid));
      expect(await askGateway(gateway, '/upgrade')).toEqual({ ok: true, diagnostics: [] });
      const after = (await askStatus(gateway)).workers.filter(({ state }) => state === 'running');
      expect(after).toHaveLength(1);
      expect(before.has(after[0]?.pid ?? 0)).toBe(false);
    }
    const calls = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(calls.failures).toEqual({});
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
  });
});

describe('workers know together', () => {
  const call = buildPost(buildCall());
  const statuses = async (scene: Scene, requests: readonly string[]): Promise<readonly number[]> => {
    const found: number[] = [];
    for (const request of requests) {
      const client = await scene.connect();
      client.send(request);
      found.push((await receive(client)).status);
      client.socket.destroy();
      // So long the others may count without it.
      await until(() => false, 120);
    }
    return found;
  };

  it('rate-limit-spread: what a caller has used up, whichever worker it came to', async () => {
    const rates = [{ per: 'address', requests: 6, within: '1h' }];
    await using scene = await startScene({ limits: { rates } });
    const found = await statuses(
      scene,
      Array.from({ length: 10 }, () => call),
    );
    expect(found).toEqual([200, 200, 200, 200, 200, 200, 429, 429, 429, 429]);
    await scene.gateway.stop();
  });

  it('rate-limit-spread: how many streams run, and that a worker that died has none', async () => {
    const concurrency = [{ per: 'address', streams: 2 }];
    await using scene = await startScene({ limits: { concurrency } });
    const open = async (): Promise<{ status: number; client: RawClient }> => {
      const client = await scene.connect();
      client.send(buildGet());
      const text = await client.until((received) => received.includes('\r\n\r\n'));
      await until(() => false, 120);
      return { status: Number(text.slice(9, 12)), client };
    };
    const first = await open();
    const second = await open();
    const refused = await open();
    expect([first.status, second.status, refused.status]).toEqual([200, 200, 429]);
    const { workers } = await askStatus(scene.gateway);
    process.kill(workers.find((each) => each.open === 1)?.pid ?? 0, 'SIGKILL');
    await waitForWorkers(scene.gateway, 2);
    expect((await open()).status).toBe(200);
    expect((await open()).status).toBe(429);
    await scene.gateway.stop();
  });

  it('connection-flood: an address has its connections and a little more, over all workers', async () => {
    const limit = 40;
    // Each worker may have half, and three standard deviations more.
    const most = 2 * Math.ceil(limit / 2 + 3 * Math.sqrt(limit / 2));
    await using scene = await startScene({ limits: { connections_per_address: limit } });
    const { port } = scene.gateway;
    const flood = Array.from({ length: 2 * most }, () => connect({ host: '127.0.0.1', port }));
    for (const socket of flood) socket.on('error', () => socket.destroy()).resume();
    const count = async (): Promise<number> => (await askStatus(scene.gateway)).connections;
    await until(() => flood.filter(({ closed }) => closed).length >= flood.length - most);
    expect(await count()).toBeGreaterThanOrEqual(limit);
    expect(await count()).toBeLessThanOrEqual(most);
    // Another address has its own.
    const other = await connectRaw({ port, ca: scene.gateway.ca, localAddress: '127.0.0.2' });
    other.send(call);
    expect((await receive(other)).status).toBe(200);
    other.socket.destroy();
    for (const socket of flood) socket.destroy();
    await until(async () => (await count()) === 0);
    expect(await statuses(scene, [call])).toEqual([200]);
    await scene.gateway.stop();
  });

  it('sessions: one that began at a worker goes on at every other', async () => {
    const key = createKey();
    const fields = `Authorization: Bearer ${key}\r\n`;
    const keys = [{ name: 'ci', sha256: toKeyHash(key) }];
    await using scene = await startScene({ auth: { keys } });
    const client = await scene.connect();
    client.send(buildPost(buildCall(), { fields }));
    const request = await scene.upstream.next();
    expect(request.head).not.toContain('mcp-session-id');
    await receive(client);
    client.socket.destroy();
    scene.upstream.onConnection = undefined;
    const opened = await openSession(scene, fields);
    const again = Array.from({ length: 4 }, () =>
      buildPost(buildCall(), { fields: `${fields}Mcp-Session-Id: ${opened}\r\n` }),
    );
    expect(await statuses(scene, again)).toEqual([200, 200, 200, 200]);
    expect(scene.upstream.requests.at(-1)?.head).toContain('mcp-session-id: theirs-1');
    expect(await statuses(scene, [again[0]?.replace(opened.slice(-4), 'AAAA') ?? ''])).toEqual([404]);
    await scene.gateway.stop();
  });

  it('keys: one that is revoked is good at none of them', async () => {
    await using scene = await startScene({ auth: { keys: 'stored' } });
    const clock = systemClock;
    const store = await openKeyStore({ stateDir: scene.gateway.stateDir, clock, onProblem: () => undefined });
    const apiKeys = createApiKeys(store, { clock });
    const key = await apiKeys.create({ name: 'ci', scopes: [], expiresAt: undefined });
    const mine = buildPost(buildCall(), { fields: `Authorization: Bearer ${key}\r\n` });
    await until(async () => (await statuses(scene, [mine, mine])).join() === '200,200');
    expect(await statuses(scene, [mine, mine, mine])).toEqual([200, 200, 200]);
    await apiKeys.revoke('ci');
    await until(async () => (await statuses(scene, [mine, mine])).join() === '401,401');
    expect(await statuses(scene, [mine, mine, mine])).toEqual([401, 401, 401]);
    store.close();
    await scene.gateway.stop();
  });

  it('message endpoints that a server announced to one of them (HTTP+SSE)', async () => {
    await using scene = await startScene();
    const client = await scene.connect();
    client.send(buildGet());
    await client.until((text) => text.includes('\r\n\r\n'));
    const stream = scene.upstream.requests.at(-1);
    stream?.socket.write(toChunk('event: endpoint\ndata: /messages?s=1\n\n'));
    await client.until((text) => text.includes('/messages?s=1'));
    const post = buildPost(buildCall(), { path: '/messages?s=1' });
    expect(await statuses(scene, [post, post, post, post])).toEqual([200, 200, 200, 200]);
    // The one that takes the place of another knows them, too.
    const { workers } = await askStatus(scene.gateway);
    process.kill(workers.find(({ open }) => open === 0)?.pid ?? 0, 'SIGKILL');
    await until(async () => (await askStatus(scene.gateway)).workers.length < 2);
    await waitForWorkers(scene.gateway, 2);
    expect(await statuses(scene, [post, post, post, post])).toEqual([200, 200, 200, 200]);
    client.socket.destroy();
    await scene.gateway.stop();
  });

  it('message endpoints that a server announced while there was one process alone', async () => {
    await using scene = await startScene({ workers: 1 });
    const client = await scene.connect();
    client.send(buildGet());
    await client.until((text) => text.includes('\r\n\r\n'));
    scene.upstream.requests.at(-1)?.socket.write(toChunk('event: endpoint\ndata: /messages?s=1\n\n'));
    await client.until((text) => text.includes('/messages?s=1'));
    await scene.gateway.rewriteConfig({ workers: 2 });
    expect(await scene.gateway.reload()).toMatchObject({ ok: true });
    const post = buildPost(buildCall(), { path: '/messages?s=1' });
    expect(await statuses(scene, [post, post])).toEqual([200, 200]);
    client.socket.destroy();
    await scene.gateway.stop();
  });
});

function beginSession({ socket }: ReceivedRequest): void {
  const body = '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}';
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: theirs-1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** The sealed id of a session that the upstream has begun. */
async function openSession(scene: Scene, fields: string): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const client = await scene.connect();
  client.send(buildPost(body, { fields }));
  const id = (await receive(client)).field('mcp-session-id') ?? '';
  client.socket.destroy();
  return id;
}
