import type { ProviderContext } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRefreshRotation } from '../../src/auth/server/refresh-rotation.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openRedisConnection } from '../../src/state/redis/redis-connection.ts';
import { openRedisStore } from '../../src/state/store/redis-store.ts';
import type { StoreChange, StoredValue } from '../../src/state/store/store.ts';
import { describeStore } from '../state/store/store-contract.ts';
import type { StoreFixture } from '../state/store/stores.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  redisIsExcused,
  startRedisServer,
  toRedisSettings,
  type RedisServer,
} from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { openReplica, type Replica } from './redis-rig.ts';

describe.skipIf(redisIsExcused)('replicas on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Its clock is ahead of the server's, so that what expires by the one is still there by the other. */
  async function createRedisFixture(): Promise<StoreFixture> {
    server.cli('flushall');
    const clock = new ManualClock(Date.now() + 3_600_000);
    const problems: unknown[] = [];
    const connection = await openRedisConnection({
      settings: toRedisSettings(server.port),
      clock: systemClock,
      onProblem: (error) => problems.push(error),
      onRecovered: () => undefined,
    });
    const store = await openRedisStore({ connection, clock });
    const clean = async (): Promise<void> => {
      store.close();
      connection.close();
      expect(problems).toEqual([]);
    };
    return { store, clock, stateDir: '', problems, clean };
  }

  describeStore('Redis', createRedisFixture);

  async function withReplicas(count: number, work: (...replicas: Replica[]) => Promise<void>): Promise<void> {
    server.cli('flushall');
    const replicas = await Promise.all(Array.from({ length: count }, () => openReplica(server.port)));
    try {
      await work(...replicas);
      expect(replicas.flatMap(({ problems }) => problems)).toEqual([]);
    } finally {
      for (const replica of replicas) replica.close();
    }
  }

  const increment = (current: StoredValue | undefined): StoreChange => ({
    value: { n: Number(current?.['n'] ?? 0) + 1 },
  });

  it('code-replay: a code that is shown to both is taken by one', () =>
    withReplicas(2, async (left, right) => {
      for (let round = 0; round < 50; round += 1) {
        await left?.store.put('AuthorizationCode', `code-${round}`, { grantId: 'g' });
        const taken = await Promise.all(
          [left, right, left, right].map((replica) =>
            replica?.store.consume('AuthorizationCode', `code-${round}`),
          ),
        );
        expect(taken.filter((value) => value !== undefined)).toEqual([{ grantId: 'g' }]);
      }
    }));

  it('parallel-refresh: a refresh token that is shown to both is replaced by one, and the other waits for the new one', () =>
    withReplicas(2, async (...replicas) => {
      const answers = replicas.map(async ({ store }) => {
        const rotation = createRefreshRotation({ store, clock: systemClock });
        const body = { refresh_token: 'used' };
        // What it reads of the context of a refresh.
        const refresh = { state: {}, body, oidc: { entities: { RefreshToken: { jti: 'used' } } } };
        const context = refresh as unknown as ProviderContext;
        if (await rotation.rotate(context)) await rotation.noteSuccessor('used', 'next');
        await rotation.finish(context);
        return context.body;
      });
      expect(await Promise.all(answers)).toEqual(
        expect.arrayContaining([{ refresh_token: 'used' }, { refresh_token: 'next' }]),
      );
    }));

  it('loses none of 1000 increments that two make at once', () =>
    withReplicas(2, async (left, right) => {
      const changes = Array.from({ length: 500 }, () => [left, right]).flat();
      await Promise.all(changes.map((replica) => replica?.store.update('LoginThrottle', 'a', increment)));
      expect(await left?.store.get('LoginThrottle', 'a')).toEqual({ n: 1000 });
    }));

  it('control: reading and writing apart loses some', () =>
    withReplicas(2, async (left, right) => {
      const add = async (replica: Replica | undefined): Promise<void> => {
        const current = await replica?.store.get('LoginThrottle', 'a');
        await replica?.store.put('LoginThrottle', 'a', { n: Number(current?.['n'] ?? 0) + 1 });
      };
      await Promise.all(
        Array.from({ length: 100 }, () => [left, right])
          .flat()
          .map(add),
      );
      expect(Number((await left?.store.get('LoginThrottle', 'a'))?.['n'])).toBeLessThan(200);
    }));

  it('a grant that ends takes a token along that another replica issues meanwhile, or the token comes after', () =>
    withReplicas(2, async (left, right) => {
      for (let round = 0; round < 30; round += 1) {
        const grantId = `g${round}`;
        await left?.store.put('RefreshToken', `first-${round}`, { grantId });
        await Promise.all([
          left?.store.deleteWhere('RefreshToken', 'grantId', grantId),
          right?.store.put('RefreshToken', `second-${round}`, { grantId }),
          right?.store.update('RefreshToken', `first-${round}`, (current) => current && { value: current }),
        ]);
        expect(await left?.store.get('RefreshToken', `first-${round}`)).toBeUndefined();
        const found = await left?.store.find('RefreshToken', 'grantId', grantId);
        const second = await left?.store.get('RefreshToken', `second-${round}`);
        expect(found).toHaveLength(second === undefined ? 0 : 1);
      }
    }));

  it('tells the other of a write at once, and each of its own one time', () =>
    withReplicas(2, async (left, right) => {
      const calls = { left: 0, right: 0 };
      left?.store.watch(['ApiKey'], () => (calls.left += 1));
      right?.store.watch(['ApiKey'], () => (calls.right += 1));
      right?.store.watch(['Grant'], () => (calls.right += 100));
      await left?.store.put('ApiKey', 'ci', {});
      expect(calls.left).toBe(1);
      expect(await until(() => calls.right === 1)).toBeLessThan(500);
      // Two looks later nothing was told twice.
      await new Promise((resolve) => setTimeout(resolve, 2200));
      expect(calls).toEqual({ left: 1, right: 1 });
    }));

  it('tells it within two seconds where nobody may publish', async () => {
    server.cli('flushall');
    server.cli(
      'acl',
      'setuser',
      'mute',
      'on',
      '>secret',
      '~{breakwater}:*',
      '+@all',
      '-@admin',
      '-@dangerous',
    );
    const login = { user: 'mute', password: 'secret' };
    const [left, right] = [await openReplica(server.port, login), await openReplica(server.port, login)];
    let calls = 0;
    right.store.watch(['ApiKey'], () => (calls += 1));
    await left.store.put('ApiKey', 'ci', {});
    expect(await until(() => calls > 0)).toBeLessThan(2000);
    expect(calls).toBe(1);
    left.close();
    right.close();
  });

  it('leaves nothing behind of what has expired, in records and in sets', () =>
    withReplicas(1, async (replica) => {
      const keys = (): readonly string[] => server.cli('keys', '*').split('\n').toSorted();
      const always = ['{breakwater}:changes', '{breakwater}:version'];
      for (let n = 0; n < 20; n += 1) {
        await replica?.store.put('Session', `s${n}`, { uid: `u${n % 3}` }, { expiresAt: Date.now() + 600 });
      }
      expect(keys()).toHaveLength(20 + 3 + 1 + always.length);
      await until(() => keys().length === always.length);
      expect(keys()).toEqual(always);
      // A record that stays keeps its sets, and a later write takes out what expired beside it.
      await replica?.store.put('Session', 'stays', { uid: 'u' });
      await replica?.store.put('Session', 'goes', { uid: 'u' }, { expiresAt: Date.now() + 100 });
      await until(() => server.cli('exists', '{breakwater}:record:Session:goes') === '0');
      await replica?.store.put('Session', 'another', { uid: 'u' });
      expect(server.cli('zrange', '{breakwater}:index:Session:uid:u', '0', '-1').split('\n')).toEqual([
        'another',
        'stays',
      ]);
    }));

  it('a stolen dump holds no token', () =>
    withReplicas(1, async (replica) => {
      const token = 'the-refresh-token';
      await replica?.store.put('RefreshToken', token, { jti: token, grantId: 'g' });
      await replica?.store.put('Session', 'shown', {});
      const everything = server
        .cli('keys', '*')
        .split('\n')
        .map((key) => key + server.cli('--no-raw', 'dump', key))
        .join('\n');
      expect(everything).not.toContain(token);
      // Control: another kind shows its id.
      expect(everything).toContain('shown');
    }));

  it('keeps all its keys below the prefix, on one node of a cluster', () =>
    withReplicas(1, async (replica) => {
      await replica?.store.put('Session', 'a', { uid: 'u' });
      const keys = server.cli('keys', '*').split('\n');
      expect(keys.length).toBeGreaterThan(4);
      expect(keys.filter((key) => !key.startsWith('{breakwater}:'))).toEqual([]);
    }));
});
