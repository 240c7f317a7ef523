import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startFaultRelay } from '../support/fault-relay.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { openReplica, timeFailure, type Replica } from './redis-rig.ts';

const opened: { [Symbol.asyncDispose](): PromiseLike<void> | void }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing[Symbol.asyncDispose]();
});

async function startServer(...args: Parameters<typeof startRedisServer>): Promise<RedisServer> {
  const server = await startRedisServer(...args);
  opened.push(server);
  return server;
}

async function open(...args: Parameters<typeof openReplica>): Promise<Replica> {
  const replica = await openReplica(...args);
  opened.push({ [Symbol.asyncDispose]: async () => replica.close() });
  return replica;
}

const works = async ({ store }: Replica): Promise<boolean> =>
  store.put('Grant', 'probe', {}).then(
    () => true,
    () => false,
  );

/** Milliseconds until a write is done again; at most 10 s. */
const untilWorks = (replica: Replica): Promise<number> => until(() => works(replica), 10_000);

interface Translation extends AsyncDisposable {
  readonly port: number;
  /** That were made through it, ever. */
  readonly connections: number;
  /** Lets nothing through any more on the connections that are there; new ones work. */
  forget(): void;
}

/** What stands between two networks, and may forget who speaks with whom. */
async function startTranslation(targetPort: number): Promise<Translation> {
  const pairs: (readonly [Socket, Socket])[] = [];
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    pairs.push([near, far]);
    near.pipe(far).on('error', () => near.destroy());
    far.pipe(near).on('error', () => far.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // `address()` is a string only for sockets on a path.
    port: (server.address() as AddressInfo).port,
    get connections() {
      return pairs.length;
    },
    forget() {
      for (const [near, far] of pairs) {
        near.unpipe().pause();
        far.unpipe().pause();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of pairs.flat()) socket.destroy();
      server.close();
    },
  };
}

const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

describe.skipIf(redisIsExcused)('a Redis that is killed', () => {
  it('is missed at once and told of once, and is used again within two seconds without a restart', async () => {
    const server = await startServer(durable);
    const replica = await open(server.port);
    await replica.store.put('ApiKey', 'ci', { n: 1 });
    await server.kill();
    const first = await timeFailure(replica.store.get('ApiKey', 'ci'));
    expect(first.error).toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining(`cannot use Redis at 127.0.0.1:${server.port}: `),
    });
    expect(first.milliseconds).toBeLessThan(2500);
    // Who asks within two seconds of the loss waits for a restart; later nobody need.
    await sleep(2100);
    const later = await timeFailure(replica.store.put('ApiKey', 'ci', { n: 2 }));
    expect(later.error).toMatchObject({ message: expect.stringContaining('connection refused') });
    expect(later.milliseconds).toBeLessThan(100);
    expect(replica.problems.length).toBeGreaterThan(0);
    expect(new Set(replica.problems).size).toBe(replica.problems.length);
    expect(replica.recoveries).toEqual([]);
    await server.start();
    expect(await untilWorks(replica)).toBeLessThan(2000);
    expect(replica.recoveries).toHaveLength(1);
    expect(await replica.store.get('ApiKey', 'ci')).toEqual({ n: 1 });
  });

  it('and is there again at once costs no call', async () => {
    const server = await startServer(durable);
    const replica = await open(server.port);
    await server.kill();
    await sleep(50);
    const write = replica.store.put('ApiKey', 'ci', { n: 1 });
    await server.start();
    await write;
    expect(await replica.store.get('ApiKey', 'ci')).toEqual({ n: 1 });
  });

  it('has lost its scripts and data: writes go on, and those who watch are told', async () => {
    const server = await startServer();
    const replica = await open(server.port);
    await replica.store.put('ApiKey', 'ci', { n: 1 });
    let calls = 0;
    replica.store.watch(['ApiKey'], () => (calls += 1));
    await server.kill();
    await server.start();
    await until(() => calls > 0);
    expect(calls).toBe(1);
    expect(await replica.store.list('ApiKey')).toEqual([]);
    expect(await untilWorks(replica)).toBeLessThan(2000);
  });

  it('what others wrote while this one was cut off is told when it is back', async () => {
    const server = await startServer();
    await using relay = await startFaultRelay({ targetPort: server.port });
    const [near, far] = [await open(server.port), await open(relay.port)];
    let calls = 0;
    far.store.watch(['ApiKey'], () => (calls += 1));
    relay.set('toClient', { blackHole: true });
    relay.cut('reset');
    await near.store.put('ApiKey', 'ci', {});
    await sleep(1500);
    expect(calls).toBe(0);
    relay.set('toClient', {});
    await until(() => calls > 0, 10_000);
    expect(calls).toBe(1);
  });
});

describe.skipIf(redisIsExcused)('a Redis that is slow', () => {
  it('by 5 s: a call fails after two, later ones at once, and all is well within two seconds after', async () => {
    const server = await startServer();
    const replica = await open(server.port);
    const start = performance.now();
    server.cli('client', 'pause', '5000');
    const first = await timeFailure(replica.store.get('ApiKey', 'ci'));
    expect(first.error).toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining('does not answer within 2 s'),
    });
    expect(first.milliseconds).toBeGreaterThan(1900);
    expect(first.milliseconds).toBeLessThan(2500);
    const later = await timeFailure(replica.store.get('ApiKey', 'ci'));
    expect(later.error).toMatchObject({ message: expect.stringContaining('does not answer within 2 s') });
    expect(later.milliseconds).toBeLessThan(100);
    await untilWorks(replica);
    expect(performance.now() - start).toBeGreaterThan(4900);
    expect(performance.now() - start).toBeLessThan(7000);
    expect(replica.problems).toEqual([expect.stringContaining('does not answer within 2 s')]);
    expect(replica.recoveries).toHaveLength(1);
  });

  it('control: one that takes a second is waited for', async () => {
    const server = await startServer();
    const replica = await open(server.port);
    server.cli('client', 'pause', '1000');
    const start = performance.now();
    await replica.store.put('ApiKey', 'ci', {});
    expect(performance.now() - start).toBeGreaterThan(900);
    expect(replica.problems).toEqual([]);
  });

  it('thousands who ask at once are all told within two and a half seconds', async () => {
    const server = await startServer();
    const replica = await open(server.port);
    server.cli('client', 'pause', '4000');
    const failures = await Promise.all(
      Array.from({ length: 15_000 }, (_, n) => timeFailure(replica.store.get('Grant', `${n}`))),
    );
    expect(Math.max(...failures.map(({ milliseconds }) => milliseconds))).toBeLessThan(3000);
    const messages = new Set(failures.map(({ error }) => (error instanceof Error ? error.message : '')));
    expect([...messages].toSorted()).toEqual([
      expect.stringContaining('does not answer within 2 s'),
      expect.stringContaining('too many questions wait'),
    ]);
  });

  it('forgotten-translation: a connection that leads nowhere is given up and made anew', async () => {
    const server = await startServer();
    await using translation = await startTranslation(server.port);
    const replica = await open(translation.port);
    await replica.store.put('Grant', 'a', {});
    expect(translation.connections).toBe(1);
    translation.forget();
    const { error } = await timeFailure(replica.store.put('Grant', 'a', {}));
    expect(error).toMatchObject({ message: expect.stringContaining('does not answer') });
    expect(await until(() => works(replica), 20_000)).toBeLessThan(12_000);
    expect(translation.connections).toBe(2);
  });

  it('or stopped, when a replica starts: it says so within seconds', async () => {
    const server = await startServer();
    server.freeze();
    const { error, milliseconds } = await timeFailure(openReplica(server.port));
    expect(error).toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining('does not answer'),
    });
    expect(milliseconds).toBeLessThan(6000);
    server.thaw();
    // Control.
    expect(await works(await open(server.port))).toBe(true);
  });
});

describe.skipIf(redisIsExcused)('a Redis that is full', () => {
  it('says so on writes, and still reads, revokes and consumes', async () => {
    const server = await startServer();
    const [replica, other] = [await open(server.port), await open(server.port)];
    let calls = 0;
    other.store.watch(['RefreshToken'], () => (calls += 1));
    for (const id of ['a', 'b', 'c']) {
      await replica.store.put('RefreshToken', id, { grantId: id === 'c' ? 'other' : 'mine' });
    }
    await until(() => calls === 3);
    server.cli('config', 'set', 'maxmemory-policy', 'noeviction');
    server.cli('config', 'set', 'maxmemory', '1mb');
    const refused = await timeFailure(replica.store.put('RefreshToken', 'd', { grantId: 'mine' }));
    expect(refused.error).toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining('it is full'),
      hint: expect.stringContaining('maxmemory'),
    });
    await expect(replica.store.put('RefreshToken', 'a', { grantId: 'moved' })).rejects.toThrow('full');
    // Nothing was done by halves.
    expect((await replica.store.find('RefreshToken', 'grantId', 'mine')).length).toBe(2);
    expect(await replica.store.find('RefreshToken', 'grantId', 'moved')).toEqual([]);
    expect(await replica.store.get('RefreshToken', 'd')).toBeUndefined();
    await replica.store.deleteWhere('RefreshToken', 'grantId', 'mine');
    expect(await other.store.get('RefreshToken', 'a')).toBeUndefined();
    expect(await replica.store.consume('RefreshToken', 'c')).toEqual({ grantId: 'other' });
    await until(() => calls === 5);
    expect(calls).toBe(5);
    expect(replica.problems).toEqual([expect.stringContaining('it is full')]);
    server.cli('config', 'set', 'maxmemory', '0');
    expect(await untilWorks(replica)).toBeLessThan(2000);
    await until(async () => (await works(replica)) && replica.recoveries.length > 0, 10_000);
    expect(replica.recoveries).toHaveLength(1);
  });
});

describe.skipIf(redisIsExcused)('a Redis that is a replica of another', () => {
  it('is refused at the start', async () => {
    const primary = await startServer();
    const follower = await startServer(['--replicaof', `127.0.0.1 ${primary.port}`]);
    await expect(openReplica(follower.port)).rejects.toMatchObject({
      code: 'E_STATE_UNREACHABLE',
      message: expect.stringContaining('read-only replica'),
    });
  });

  it('after a failover is left, and used again when it is the primary', async () => {
    const [primary, other] = [await startServer(), await startServer()];
    const replica = await open(primary.port);
    primary.cli('replicaof', '127.0.0.1', `${other.port}`);
    const { error } = await timeFailure(replica.store.put('Grant', 'a', {}));
    expect(error).toMatchObject({ code: 'E_STATE_UNREACHABLE' });
    await until(() => replica.problems.some((problem) => problem.includes('read-only replica')));
    expect(replica.problems.join()).toContain('read-only replica');
    primary.cli('replicaof', 'no', 'one');
    expect(await untilWorks(replica)).toBeLessThan(2000);
  });
});
