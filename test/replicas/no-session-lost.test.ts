import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import {
  findFastmcpPython,
  findFreePort,
  programsAreMandatory,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine, type EngineFolder } from '../support/proxy-engine.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { callFromAll, connectCaller, type Caller, type Kind } from './callers.ts';
import { waitForWorkers } from './status.ts';

const COPIES = ['a', 'b', 'c'];
const CALLERS: Readonly<Record<Kind, number>> = { modern: 80, legacy: 90, 'http-sse': 30 };
const CALLS = 10_000;
const LANES = 32;
/** So long after a kill a process may still write to a connection whose end it has not read yet, in milliseconds. */
const BLIND_MILLISECONDS = 100;

const python = findFastmcpPython();
const haproxy = findEngine('haproxy');
const isExcused =
  redisIsExcused || (!programsAreMandatory && (python.kind === 'missing' || haproxy.kind === 'missing'));

/** Two replicas with two workers each behind HAProxy, three copies of FastMCP behind them, and Redis between them. */
describe.skipIf(isExcused)('three copies, two replicas with two workers each, 200 clients', () => {
  let folder: EngineFolder;
  let scratch: string;
  let redis: RedisServer;
  let balancer: ServerProgram;
  const copies: ServerProgram[] = [];
  const replicas: GatewayProcess[] = [];
  const callers: Caller[] = [];
  let ledger: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'breakwater-fleet-'));
    ledger = join(scratch, 'ledger');
    redis = await startRedisServer();
    const script = toCheckoutPath('test/fixtures/replicas/counting-server.py');
    const start = (name: string): Promise<ServerProgram> =>
      startServerProgram((port) => ({
        command: toProgramPath(python),
        args: [script, `${port}`, name, ledger],
        env: { FASTMCP_CHECK_FOR_UPDATES: 'off' },
      }));
    copies.push(...(await Promise.all(COPIES.map(start))));
    const urls = (path: string): readonly string[] =>
      copies.map(({ port }) => `http://127.0.0.1:${port}${path}`);
    for (const _ of [0, 1]) {
      const replica = await startGatewayProcess({
        upstreamPort: 9,
        config: {
          workers: 2,
          routes: [
            { path: '/mcp', upstream: urls('/mcp') },
            { path: '/sse', upstream: urls('/sse') },
          ],
          state: { redis: { url: `redis://127.0.0.1:${redis.port}` } },
        },
      });
      replicas.push(replica);
      await waitForWorkers(replica, 2);
    }
    folder = await createEngineFolder();
    const port = await findFreePort();
    const servers = replicas.map((replica, index) => `  server r${index} 127.0.0.1:${replica.port}\n`);
    const text =
      'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10m\n  timeout server 10m\n' +
      `listen fleet\n  bind 127.0.0.1:${port}\n  balance random\n${servers.join('')}`;
    balancer = await startEngine('haproxy', { folder, files: [{ path: 'haproxy.cfg', text }], port });
    const door = { port, ca: replicas.map(({ ca }) => ca).join('\n') };
    const kinds = Object.entries(CALLERS).flatMap(([kind, count]) =>
      Array.from({ length: count }, () => kind as Kind),
    );
    for (const kind of kinds) callers.push(await connectCaller(kind, door));
  }, 120_000);

  afterAll(async () => {
    await Promise.all(callers.map((caller) => caller.close()));
    await balancer.stop();
    for (const replica of replicas) await replica.clean();
    await Promise.all(copies.map((copy) => copy.stop()));
    await redis[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });

  /** How often each call was executed, wherever. */
  async function executions(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const line of (await readFile(ledger, 'utf8')).trim().split('\n')) {
      const [token = ''] = line.split(' ');
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    return counts;
  }

  it(`${CALLS} calls over connections spread at random: no session lost, every call executed once`, async () => {
    const { answered, failed } = await callFromAll(callers, { calls: CALLS, lanes: LANES, prefix: 'calm' });
    expect(failed).toEqual([]);
    expect(answered).toHaveLength(CALLS);
    const counts = await executions();
    expect(answered.filter((token) => counts.get(token) !== 1)).toEqual([]);
    // Each has been in one session alone, and the sessions are spread over all copies.
    const bound = callers.filter(({ kind }) => kind !== 'modern');
    expect(bound.filter(({ sessions }) => sessions.length !== 1)).toEqual([]);
    const perCopy = COPIES.map(
      (copy) => bound.filter(({ sessions }) => sessions[0]?.startsWith(copy)).length,
    );
    for (const count of perCopy) expect(count).toBeGreaterThan(bound.length / 6);
  }, 300_000);

  it('a copy is killed: calls go to the others, its sessions are revived there, and nothing is executed twice', async () => {
    const orphaned = callers.filter(
      ({ kind, sessions }) => kind === 'legacy' && sessions[0]?.startsWith('a '),
    );
    expect(orphaned.length).toBeGreaterThan(0);
    let killedAt = Infinity;
    const { answered, failed } = await callFromAll(callers, {
      calls: CALLS / 2,
      lanes: LANES,
      prefix: 'kill',
      onCall(call) {
        if (call !== CALLS / 10) return;
        copies[0]?.kill();
        killedAt = performance.now();
      },
    });
    // What was under way at the copy may have been executed, so it is told and not repeated; of HTTP+SSE the stream is the session.
    const late = failed.filter(
      ({ kind, startedAt }) => kind !== 'http-sse' && startedAt > killedAt + BLIND_MILLISECONDS,
    );
    expect(late).toEqual([]);
    expect(failed.filter(({ kind }) => kind !== 'http-sse').length).toBeLessThanOrEqual(LANES);
    const counts = await executions();
    expect(answered.filter((token) => counts.get(token) !== 1)).toEqual([]);
    expect([...counts].filter(([, count]) => count > 1)).toEqual([]);
    for (const { sessions } of orphaned) {
      expect(sessions).toHaveLength(2);
      expect(sessions[1]?.startsWith('a ')).toBe(false);
    }
    const others = callers.filter((caller) => caller.kind === 'legacy' && !orphaned.includes(caller));
    expect(others.filter(({ sessions }) => sessions.length !== 1)).toEqual([]);
  }, 300_000);
});
