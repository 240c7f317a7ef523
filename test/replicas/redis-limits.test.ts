import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { startSteadyCaller, type SteadyCaller } from '../support/steady-caller.ts';
import { until } from '../support/until.ts';
import { allowance, startLimitScene, waitForReach, type LimitScene } from './limits-rig.ts';

/** Until limits are honoured again once Redis can be used; the promise is two seconds. */
const BACK_MILLISECONDS = 2000;
const CALLS_PER_SECOND = 50;

const opened: { [Symbol.asyncDispose](): PromiseLike<void> | void }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing[Symbol.asyncDispose]();
});

function keep<T extends { [Symbol.asyncDispose](): PromiseLike<void> | void }>(thing: T): T {
  opened.push(thing);
  return thing;
}

interface Rig {
  readonly server: RedisServer;
  readonly scene: LimitScene;
  readonly callers: readonly SteadyCaller[];
}

async function startRig(config: object = {}): Promise<Rig> {
  const server = keep(await startRedisServer());
  const url = { url: `redis://127.0.0.1:${server.port}` };
  const scene = keep(await startLimitScene({ redis: [url, url], config }));
  await waitForReach(scene.replicas, 'shared');
  const callers: SteadyCaller[] = [];
  for (const replica of scene.replicas) {
    callers.push(keep(await startSteadyCaller({ ...replica, perSecond: CALLS_PER_SECOND })));
  }
  expect(await scene.untilHonoured(3000)).toBeLessThan(3000);
  return { server, scene, callers };
}

async function expectNoFailures({ callers }: Rig): Promise<void> {
  for (const caller of callers) {
    const report = await caller.report();
    expect(report.failures).toEqual({});
    expect(report.answered).toBeGreaterThan(CALLS_PER_SECOND);
  }
}

const countLines = (replica: GatewayProcess, text: string): number =>
  replica.complaints.split('\n').filter((line) => line.includes(text)).length;

function expectTold({ scene }: Rig, times: number): void {
  for (const replica of scene.replicas) {
    expect(countLines(replica, 'limits are those of this replica alone'), replica.complaints).toBe(times);
    expect(countLines(replica, 'limits are shared with the other replicas again')).toBe(times);
  }
}

describe.skipIf(redisIsExcused)('limits of replicas that share a Redis', () => {
  it('hold for all together: calls and streams', async () => {
    const { scene } = await startRig();
    const [first, second] = scene.replicas;
    expect(await scene.call(first, 'a', 3)).toEqual([200, 200, 200]);
    await sleep(150);
    expect(await scene.call(second, 'a', 3)).toEqual([200, 429, 429]);
    const [one, two] = [await scene.stream(first), await scene.stream(second)];
    await sleep(150);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect([(await scene.stream(first)).status, (await scene.stream(second)).status]).toEqual([429, 429]);
    one.client.socket.destroy();
    await until(async () => (await scene.stream(second)).status === 200);
    await sleep(150);
    expect((await scene.stream(first)).status).toBe(429);
  });

  it('control: with a Redis each they hold for each alone', async () => {
    const urls = [keep(await startRedisServer()), keep(await startRedisServer())].map(({ port }) => ({
      url: `redis://127.0.0.1:${port}`,
    }));
    const scene = keep(await startLimitScene({ redis: [urls[0] ?? {}, urls[1] ?? {}] }));
    await waitForReach(scene.replicas, 'shared');
    expect(await scene.untilHonoured(3000)).toBe(3000);
  });

  it('killed-replica: what ran there is forgotten within seconds', async () => {
    const { scene, callers } = await startRig();
    const [first, second] = scene.replicas;
    for (let stream = 0; stream < allowance.streams; stream++) await scene.stream(first);
    await sleep(150);
    expect((await scene.stream(second)).status).toBe(429);
    await callers[0]?.[Symbol.asyncDispose]();
    first.signal('SIGKILL');
    expect(await until(async () => (await scene.stream(second)).status === 200, 10_000)).toBeLessThan(4500);
  });

  it('hold for workers of several replicas', async () => {
    const { scene } = await startRig({ workers: 2 });
    const [first, second] = scene.replicas;
    const statuses: number[] = [];
    for (const replica of [first, first, second, second, first, second]) {
      statuses.push(...(await scene.call(replica, 'a', 1)));
      await sleep(150);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
  });

  it('tolerance: of 200 calls a second at two replicas those of a tenth of a second at most are let in beyond the limit', async () => {
    const { scene } = await startRig();
    const counts = await Promise.all(scene.replicas.map((replica) => scene.callEvenly(replica, 200, 10)));
    const letIn = counts.reduce((sum, count) => sum + count);
    process.stdout.write(`let in of a limit of ${allowance.evenCalls}: ${letIn}\n`);
    expect(letIn).toBeGreaterThanOrEqual(allowance.evenCalls);
    expect(letIn).toBeLessThanOrEqual(allowance.evenCalls + 20);
  });
});

describe.skipIf(redisIsExcused)('limits of replicas whose Redis', () => {
  it('is killed and started again: no call fails, each counts for itself and says so, and they are shared within two seconds', async () => {
    const rig = await startRig();
    const { scene, server } = rig;
    const [first, second] = scene.replicas;
    await server.kill();
    await waitForReach(scene.replicas, 'alone');
    // Local limits hold on.
    expect(await scene.call(first, 'away', 5)).toEqual([200, 200, 200, 200, 429]);
    expect(await scene.call(second, 'away', 3)).toEqual([200, 200, 200]);
    for (let stream = 0; stream < allowance.streams; stream++) await scene.stream(first);
    expect((await scene.stream(first)).status).toBe(429);
    const probe = await scene.stream(second);
    expect(probe.status).toBe(200);
    probe.client.socket.destroy();
    await sleep(2000);
    await server.start();
    const start = performance.now();
    expect(await scene.untilHonoured(5000)).toBeLessThan(BACK_MILLISECONDS);
    // What was used up and what was begun while Redis was away counts for both.
    await until(async () => (await scene.call(second, 'away', 1))[0] === 429, 1000);
    expect(await scene.call(second, 'away', 1)).toEqual([429]);
    expect((await scene.stream(second)).status).toBe(429);
    expect(performance.now() - start).toBeLessThan(BACK_MILLISECONDS + 1000);
    await waitForReach(scene.replicas, 'shared');
    await expectNoFailures(rig);
    expectTold(rig, 1);
  });

  it('is restarted at once: nobody notices', async () => {
    const rig = await startRig();
    await rig.server.kill();
    await rig.server.start();
    expect(await rig.scene.untilHonoured(5000)).toBeLessThan(BACK_MILLISECONDS);
    await sleep(2000);
    await expectNoFailures(rig);
    expectTold(rig, 0);
  });

  it('does not answer for five seconds: no call fails or waits, and they are shared within two seconds', async () => {
    const rig = await startRig();
    const { scene, server } = rig;
    for (const caller of rig.callers) await caller.report();
    server.freeze();
    await sleep(5000);
    await waitForReach(scene.replicas, 'alone');
    expect(await scene.call(scene.replicas[1], 'slow', 5)).toEqual([200, 200, 200, 200, 429]);
    server.thaw();
    expect(await scene.untilHonoured(5000)).toBeLessThan(BACK_MILLISECONDS);
    for (const caller of rig.callers) {
      const report = await caller.report();
      expect(report.failures).toEqual({});
      expect(report.longest).toBeLessThan(1500);
    }
    expectTold(rig, 1);
  });

  it('is full: they are shared on, since nothing of them is stored', async () => {
    const rig = await startRig();
    const { scene, server } = rig;
    server.cli('config', 'set', 'maxmemory-policy', 'noeviction');
    server.cli('config', 'set', 'maxmemory', '1mb');
    expect(server.cli('set', 'probe', 'x')).toContain('OOM');
    for (let time = 0; time < 3; time++) expect(await scene.isHonoured()).toBe(true);
    await sleep(3000);
    expect(await scene.isHonoured()).toBe(true);
    await expectNoFailures(rig);
    expectTold(rig, 0);
  });

  it('control: without shared limits they are not honoured, with Redis or after it', async () => {
    const scene = keep(await startLimitScene({ redis: undefined }));
    await waitForReach(scene.replicas, 'own');
    expect(await scene.untilHonoured(3000)).toBe(3000);
  });
});
