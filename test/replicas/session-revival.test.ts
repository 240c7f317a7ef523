import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readFinalAnswers, type ReceivedAnswer } from '../support/answers.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import {
  redisIsExcused,
  startRedisServer,
  toRedisSettings,
  type RedisServer,
} from '../support/redis-server.ts';
import { stopGateway } from '../support/rig.ts';
import { startSessionServer, type SessionServer } from '../support/session-server.ts';
import { initializeParams, versionField } from '../support/session-rig.ts';
import { until } from '../support/until.ts';
import { askStatus, waitForWorkers } from './status.ts';

interface Door {
  readonly port: number;
  readonly ca: string;
}

async function ask(door: Door, message: object, session?: string): Promise<ReceivedAnswer> {
  const client = await connectRaw({ port: door.port, ca: door.ca });
  const fields = session === undefined ? '' : `${versionField}Mcp-Session-Id: ${session}\r\n`;
  client.send(buildPost(JSON.stringify({ jsonrpc: '2.0', ...message }), { fields }));
  const text = await client.until((received) => readFinalAnswers(received)[0]?.complete === true);
  client.socket.destroy();
  const [answer] = readFinalAnswers(text);
  if (answer === undefined) throw new Error('unreachable: it has been seen');
  return answer;
}

async function begin(door: Door): Promise<string> {
  const answer = await ask(door, { id: 1, method: 'initialize', params: initializeParams });
  const id = answer.field('mcp-session-id') ?? '';
  await ask(door, { method: 'notifications/initialized' }, id);
  return id;
}

const call = (door: Door, session: string, id: string): Promise<ReceivedAnswer> =>
  ask(door, JSON.parse(buildCall({ id })) as object, session);

async function end(door: Door, session: string): Promise<void> {
  const client = await connectRaw({ port: door.port, ca: door.ca });
  client.send(`DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${versionField}Mcp-Session-Id: ${session}\r\n\r\n`);
  await client.until((received) => readFinalAnswers(received)[0]?.complete === true);
  client.socket.destroy();
}

describe.skipIf(redisIsExcused)('of two replicas that share a Redis', () => {
  let redis: RedisServer;
  let server: SessionServer;
  let clocks: readonly [ManualClock, ManualClock];
  let left: TestGateway;
  let right: TestGateway;
  const start = (clock: ManualClock): Promise<TestGateway> =>
    startTestGateway({
      upstreamPort: server.port,
      clock,
      changes: { state: { kind: 'redis', ...toRedisSettings(redis.port) } },
    });
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  beforeEach(async () => {
    server = await startSessionServer();
    clocks = [new ManualClock(), new ManualClock()];
    left = await start(clocks[0]);
    right = await start(clocks[1]);
  });
  afterEach(async () => {
    await stopGateway(left, clocks[0]);
    await stopGateway(right, clocks[1]);
    await server.stop();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  it('one begins a session again that was begun at the other, with what was set there', async () => {
    const id = await begin(left);
    await ask(left, { id: 2, method: 'logging/setLevel', params: { level: 'warning' } }, id);
    await ask(left, { id: 3, method: 'resources/subscribe', params: { uri: 'a:1' } }, id);
    await until(() => redis.cli('keys', '*SessionNote*').includes('SessionNote'));
    server.lose();
    expect((await call(right, id, 'a')).body).toContain('"by":"s2"');
    expect(server.told.filter(({ session }) => session === 's2').map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
    ]);
    // The other one finds out when it meets the same loss, and does not begin it a third time.
    expect((await call(left, id, 'b')).body).toContain('"by":"s2"');
    expect(server.begun).toBe(2);
    expect(server.executed).toEqual(['a', 'b']);
    // Nothing that a reader of Redis could use: neither the client's id nor the server's.
    const dump = redis
      .cli('--scan')
      .split('\n')
      .map((key) => `${key} ${redis.cli('get', key)}`)
      .join('\n');
    expect(dump).toContain('SessionNote');
    expect(dump).not.toContain(id);
    expect(dump).not.toMatch(/"s[12]"/);
  });

  it('one remembers that the client has ended a session at the other', async () => {
    const id = await begin(left);
    server.lose();
    await call(left, id, 'a');
    await end(left, id);
    await until(() => server.deleted.length > 0);
    await until(async () => (await call(right, id, 'b')).status === 404);
    expect((await call(right, id, 'c')).status).toBe(404);
    expect(server.begun).toBe(2);
  });

  it('one leaves a session alone that is in use at the other', async () => {
    const id = await begin(left);
    await call(left, id, 'a');
    const usedBy = (): string => redis.cli('get', redis.cli('keys', '*SessionUse*').trim());
    clocks[0].advance(10_000);
    await until(() => usedBy().includes('by'));
    const before = usedBy();
    await call(right, id, 'b');
    clocks[1].advance(10_000);
    await until(() => usedBy() !== before);
    for (let minutes = 0; minutes < 31; minutes++) clocks[0].advance(60_000);
    await until(() => left.gateway.sessions.live === 0);
    expect(left.gateway.sessions.live).toBe(0);
    expect((await call(right, id, 'c')).body).toContain('"by":"s1"');
    expect(server.deleted).toEqual([]);
  });

  it('each goes on alone while Redis is away', async () => {
    const id = await begin(left);
    await redis.kill();
    server.lose();
    const answering = call(left, id, 'a');
    // Whoever waits for Redis waits for the clock of the test.
    let answer: ReceivedAnswer | undefined;
    void answering.then((each) => (answer = each));
    await until(() => {
      clocks[0].advance(100);
      return answer !== undefined;
    });
    expect(answer?.status).toBe(200);
    expect(server.executed).toEqual(['a']);
    await redis.start();
  });
});

describe('of two workers', () => {
  it('both know that a session began again, and that it was ended', async () => {
    const server = await startSessionServer();
    const gateway = await startGatewayProcess({ upstreamPort: server.port, config: { workers: 2 } });
    try {
      await waitForWorkers(gateway, 2);
      const id = await begin(gateway);
      server.lose();
      for (let index = 0; index < 10; index++) expect((await call(gateway, id, `${index}`)).status).toBe(200);
      // At most one more than one: news take a moment.
      expect(server.begun).toBeLessThanOrEqual(3);
      expect(server.executed).toHaveLength(10);
      const { sessions } = await askStatus(gateway);
      expect(sessions.revived).toBe(server.begun - 1);
      await end(gateway, id);
      const begun = server.begun;
      await until(async () => (await call(gateway, id, 'late')).status === 404);
      for (let index = 0; index < 10; index++) expect((await call(gateway, id, 'late')).status).toBe(404);
      expect(server.begun).toBe(begun);
    } finally {
      await gateway.clean();
      await server.stop();
    }
  });
});
