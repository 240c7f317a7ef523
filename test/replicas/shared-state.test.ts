import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadJwks } from '../../src/auth/outbound/signing-keys.ts';
import { loadOrCreateSharedKeys } from '../../src/auth/server/server-keys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRedisTexts } from '../../src/state/redis/redis-texts.ts';
import { createSealKeys } from '../../src/sessions/seal-keys.ts';
import { runCli } from '../cli/capture-io.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  redisIsExcused,
  startRedisServer,
  toRedisSettings,
  type RedisServer,
} from '../support/redis-server.ts';
import { openReplica } from './redis-rig.ts';

describe.skipIf(redisIsExcused)('replicas that share a Redis', () => {
  let server: RedisServer;
  let folder: string;
  beforeAll(async () => {
    server = await startRedisServer();
    folder = await mkdtemp(join(tmpdir(), 'breakwater-replicas-'));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('that begin at the same time have the same keys: for sessions, tokens and logins', async () => {
    const [left, right] = [await openReplica(server.port), await openReplica(server.port)];
    const texts = [createRedisTexts(left.connection), createRedisTexts(right.connection)];
    const rings = texts.map((each) =>
      createSealKeys({
        texts: each,
        clock: systemClock,
        report: (warning) => expect(warning).toBeUndefined(),
      }),
    );
    await Promise.all(rings.map((ring) => ring.share()));
    const [first, second] = rings.map(
      ({ current }) => `${current.id} ${current.secret.export().toString('hex')}`,
    );
    expect(second).toBe(first);
    const [jwks, sameJwks] = await Promise.all(texts.map((each) => loadJwks(each, systemClock)));
    expect(sameJwks).toEqual(jwks);
    const [keys, sameKeys] = await Promise.all(texts.map((each) => loadOrCreateSharedKeys(each)));
    expect(sameKeys).toEqual(keys);
    for (const ring of rings) await ring.close();
    left.close();
    right.close();
    // Control: another prefix has other keys.
    const stranger = await openReplica(server.port, { prefix: '{other}:' });
    expect(await loadJwks(createRedisTexts(stranger.connection), systemClock)).not.toEqual(jwks);
    stranger.close();
  });

  it('a damaged text of the authorization server is left alone', async () => {
    const replica = await openReplica(server.port, { prefix: '{damaged}:' });
    server.cli('set', '{damaged}:secret:auth/server-keys.json', 'nonsense');
    await expect(loadOrCreateSharedKeys(createRedisTexts(replica.connection))).rejects.toMatchObject({
      code: 'E_AUTH_KEYS_FILE',
    });
    expect(server.cli('get', '{damaged}:secret:auth/server-keys.json')).toBe('nonsense');
    replica.close();
  });

  it('gateways keep nothing of it in their state directories', async () => {
    const start = (): Promise<TestGateway> =>
      startTestGateway({
        upstreamPort: 1,
        auth: {
          kind: 'required',
          keys: { listed: [], stored: true },
          certificates: undefined,
          oauth: undefined,
        },
        changes: { state: { kind: 'redis', ...toRedisSettings(server.port) } },
      });
    const gateways = [await start(), await start()];
    for (const { stateDir } of gateways) {
      const names = await readdir(stateDir);
      expect(names).not.toContain('breakwater.db');
      expect(names).not.toContain('sessions');
    }
    for (const gateway of gateways) await gateway.stop();
  });

  it('commands for keys go where the gateway goes, and say so when it is away', async () => {
    const env = { BREAKWATER_STATE_REDIS: `redis://127.0.0.1:${server.port}` };
    const run = (...argv: string[]): ReturnType<typeof runCli> =>
      runCli(['keys', ...argv, '--state-dir', folder], { env });
    expect((await run('list')).stderr).toBe(`no API keys in Redis at 127.0.0.1:${server.port}\n`);
    expect((await run('create', '--name', 'ci')).exit).toBe(0);
    const replica = await openReplica(server.port);
    expect(await replica.store.list('ApiKey')).toMatchObject([{ id: 'ci' }]);
    expect((await run('list')).stdout).toContain('ci');
    expect((await run('revoke', 'ci')).exit).toBe(0);
    expect(await replica.store.list('ApiKey')).toEqual([]);
    replica.close();
    expect(await readdir(folder)).toEqual([]);
    const away = await runCli(['keys', 'list', '--state-dir', folder], {
      env: { BREAKWATER_STATE_REDIS: 'redis://:hunter2@127.0.0.1:1' },
    });
    expect(away.exit).toBe(4);
    expect(away.stderr).toContain('E_STATE_UNREACHABLE');
    expect(away.stderr).not.toContain('hunter2');
  });
});
