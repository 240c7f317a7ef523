import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import type { RedisConnection } from '../../src/state/redis/redis-connection.ts';
import { acquireRedisLock, type RedisLock } from '../../src/state/redis/redis-lock.ts';
import { createRedisTexts } from '../../src/state/redis/redis-texts.ts';
import { createLocalHome, createSharedHome } from '../../src/tls/acme/account-home.ts';
import { createChallengeBoard } from '../../src/tls/acme/challenge-board.ts';
import { createSharedChallengeBoard } from '../../src/tls/acme/shared-challenge-board.ts';
import { createCertificateVault, type CertificateVault } from '../../src/tls/automation/certificate-vault.ts';
import { createOrderLedger } from '../../src/tls/automation/order-ledger.ts';
import { emptyRecord } from '../../src/tls/automation/renewal-record.ts';
import { createSharedVault } from '../../src/tls/automation/shared-vault.ts';
import { createKeyPair } from '../../src/tls/local-ca/local-ca.ts';
import { createTestChain } from '../support/certificates.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { openReplica, timeFailure } from './redis-rig.ts';

const name = 'mcp.example.com';
const day = 86_400_000;
const { signal } = new AbortController();

async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

async function connect({ port }: RedisServer): Promise<RedisConnection> {
  const replica = await openReplica(port);
  onTestFinished(() => replica.close());
  return replica.connection;
}

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-shared-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

interface Home {
  readonly vault: CertificateVault;
  readonly stateDir: string;
  readonly warnings: readonly string[];
}

async function openVault(server: RedisServer, clock: Clock = systemClock): Promise<Home> {
  const stateDir = await createFolder();
  const warnings: string[] = [];
  const vault = createSharedVault({
    local: createCertificateVault(stateDir),
    redis: await connect(server),
    clock,
    onProblem: ({ warning }) => warnings.push(warning.message),
  });
  return { vault, stateDir, warnings };
}

async function issue(
  notBefore: number,
  days = 90,
): Promise<{ readonly chain: string; readonly key: string; readonly serial: string }> {
  const { leaf, intermediate } = await createTestChain({ names: [name], notBefore, days });
  return {
    chain: leaf.cert + intermediate.cert,
    key: leaf.key,
    serial: new X509Certificate(leaf.cert).serialNumber,
  };
}

const serialOf = async ({ vault }: Home): Promise<string | undefined> =>
  (await vault.load(name)).material?.facts.serialNumber;

describe.skipIf(redisIsExcused)('the lock of replicas', () => {
  const acquire = async (server: RedisServer): Promise<RedisLock> =>
    acquireRedisLock({ connection: await connect(server), name: 'x', clock: systemClock, signal });

  it('is held by one at a time, and its lease runs out on the server', async () => {
    const server = await startServer();
    const first = await acquire(server);
    const lease = Number(server.cli('pttl', '{breakwater}:lock:x'));
    expect(lease).toBeGreaterThan(10_000);
    expect(lease).toBeLessThanOrEqual(15_000);
    let isSecond = false;
    const second = acquire(server).then((lock) => {
      isSecond = true;
      return lock;
    });
    await sleep(2500);
    expect(isSecond).toBe(false);
    await first.release();
    await (await second).release();
    expect(server.cli('exists', '{breakwater}:lock:x')).toBe('0');
  });

  it('a holder keeps it for longer than its lease', async () => {
    const server = await startServer();
    const lock = await acquire(server);
    server.cli('pexpire', '{breakwater}:lock:x', '6000');
    await sleep(6500);
    expect(lock.lost.aborted).toBe(false);
    expect(Number(server.cli('pttl', '{breakwater}:lock:x'))).toBeGreaterThan(6000);
    await lock.release();
  });

  it('a replica that dies leaves it within seconds', async () => {
    const server = await startServer();
    const dying = await openReplica(server.port);
    const start = performance.now();
    await acquireRedisLock({ connection: dying.connection, name: 'x', clock: systemClock, signal });
    dying.close();
    await (await acquire(server)).release();
    expect(performance.now() - start).toBeGreaterThan(10_000);
    expect(performance.now() - start).toBeLessThan(18_000);
  });

  it('stale-holder: who has lost it writes nothing, however late that is noticed', async () => {
    const server = await startServer();
    const old = await acquire(server);
    await old.put('text', 'mine');
    // As after a lease that ran out while the holder stood still.
    server.cli('del', '{breakwater}:lock:x');
    const next = await acquire(server);
    await next.put('text', 'theirs');
    await expect(old.put('text', 'mine again')).rejects.toMatchObject({ code: 'E_STATE_UNREACHABLE' });
    expect(old.lost.aborted).toBe(true);
    expect(server.cli('get', '{breakwater}:secret:text')).toBe('theirs');
    await old.release();
    expect(server.cli('exists', '{breakwater}:lock:x')).toBe('1');
    await next.release();
  });

  it('is not waited for while Redis is away', async () => {
    const server = await startServer();
    const connection = await connect(server);
    await server.kill();
    const { error, milliseconds } = await timeFailure(
      acquireRedisLock({ connection, name: 'x', clock: systemClock, signal }),
    );
    expect(error).toMatchObject({ code: 'E_STATE_UNREACHABLE' });
    expect(milliseconds).toBeLessThan(2500);
  });
});

describe.skipIf(redisIsExcused)('certificates that replicas share', () => {
  it('are found by all, each of which keeps a copy', async () => {
    const server = await startServer();
    const [one, other] = [await openVault(server), await openVault(server)];
    let calls = 0;
    other.vault.watch?.(() => (calls += 1));
    const certificate = await issue(Date.now() - day);
    await one.vault.store(name, certificate);
    await one.vault.storeRecord(name, { ...emptyRecord, issuer: 'pebble' });
    await until(() => calls > 0);
    expect(calls).toBe(1);
    expect(await serialOf(other)).toBe(certificate.serial);
    expect((await other.vault.load(name)).record.issuer).toBe('pebble');
    expect(await other.vault.readStamp(name)).toBe(await one.vault.readStamp(name));
    const local = await createCertificateVault(other.stateDir).load(name);
    expect(local.material?.facts.serialNumber).toBe(certificate.serial);
    expect(local.record.issuer).toBe('pebble');
  });

  it('are served from the copy while Redis is away, and taken there again when it has lost them', async () => {
    const server = await startServer();
    const [one, other] = [await openVault(server), await openVault(server)];
    const certificate = await issue(Date.now() - day);
    await one.vault.store(name, certificate);
    const stamp = await one.vault.readStamp(name);
    await server.kill();
    expect(await serialOf(one)).toBe(certificate.serial);
    expect(await one.vault.readStamp(name)).toBe(stamp);
    await expect(one.vault.store(name, certificate)).rejects.toMatchObject({ code: 'E_STATE_UNREACHABLE' });
    await server.start();
    // Whoever looks puts it back, once Redis is there again.
    const isBack = async (): Promise<boolean> =>
      (await serialOf(one)) === certificate.serial && (await serialOf(other)) === certificate.serial;
    await until(isBack, 10_000);
    expect(await serialOf(other)).toBe(certificate.serial);
  });

  it('set-back: the one that begins later counts, in Redis or in the copy', async () => {
    const server = await startServer();
    const [one, other] = [await openVault(server), await openVault(server)];
    const [older, newer] = [await issue(Date.now() - 9 * day), await issue(Date.now() - day)];
    await one.vault.store(name, older);
    await createCertificateVault(other.stateDir).store(name, newer);
    expect(await serialOf(other)).toBe(newer.serial);
    expect(await serialOf(one)).toBe(newer.serial);
    // Whoever saves an old one late takes nothing away.
    await one.vault.store(name, older);
    expect(await serialOf(other)).toBe(newer.serial);
  });

  it('that are damaged in Redis are told of, and replaced by a copy that is good', async () => {
    const server = await startServer();
    const [one, other] = [await openVault(server), await openVault(server)];
    const certificate = await issue(Date.now() - day);
    await one.vault.store(name, certificate);
    const key = server.cli('keys', '*certificate.pem');
    server.cli('set', key, 'nonsense');
    const { material, problems } = await other.vault.load(name);
    expect(material).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'E_CERT_STATE', message: expect.stringContaining('damaged') }]);
    expect(await serialOf(one)).toBe(certificate.serial);
    expect(await serialOf(other)).toBe(certificate.serial);
  });

  it('are renewed by one at a time', async () => {
    const server = await startServer();
    const [one, other] = [await openVault(server), await openVault(server)];
    for (const { vault } of [one, other]) await vault.checkWritable(name);
    const first = await one.vault.lock(name, { clock: systemClock, signal });
    let isSecond = false;
    const second = other.vault.lock(name, { clock: systemClock, signal }).then((lock) => {
      isSecond = true;
      return lock;
    });
    const certificate = await issue(Date.now() - day);
    await one.vault.store(name, certificate);
    await sleep(1500);
    expect(isSecond).toBe(false);
    await first.release();
    const lock = await second;
    expect(await serialOf(other)).toBe(certificate.serial);
    await lock.release();
  });

  it.each([
    { left: '60 days', notBefore: -30 * day, isAlone: false },
    { left: '2 days', notBefore: -88 * day, isAlone: true },
  ])('while Redis is away are renewed alone only when almost over: $left', async ({ notBefore, isAlone }) => {
    const server = await startServer();
    const one = await openVault(server);
    await one.vault.store(name, await issue(Date.now() + notBefore));
    await server.kill();
    const locking = one.vault.lock(name, { clock: systemClock, signal });
    if (!isAlone) {
      await expect(locking).rejects.toMatchObject({ code: 'E_STATE_UNREACHABLE' });
      return;
    }
    const lock = await locking;
    expect(one.warnings).toEqual([expect.stringContaining('without asking other replicas')]);
    await one.vault.storeRecord(name, { ...emptyRecord, failures: 1 });
    const renewed = await issue(Date.now() - 60_000);
    // Kept here at once, and told to be kept elsewhere later.
    await expect(one.vault.store(name, renewed)).rejects.toMatchObject({ code: 'E_STATE_UNREACHABLE' });
    await lock.release();
    expect(await serialOf(one)).toBe(renewed.serial);
    await server.start();
    const other = await openVault(server);
    await until(async () => {
      await one.vault.store(name, renewed).catch(() => undefined);
      return (await serialOf(other)) === renewed.serial;
    });
    expect(await serialOf(other)).toBe(renewed.serial);
  });
});

describe.skipIf(redisIsExcused)('an account that replicas share', () => {
  it('is one, whoever makes it, and goes on from the copy while Redis is away', async () => {
    const server = await startServer();
    const homes = await Promise.all(
      [0, 1].map(async () =>
        createSharedHome(
          createLocalHome(await createFolder()),
          createRedisTexts(await connect(server))('acme/pebble/account.json'),
        ),
      ),
    );
    expect(await Promise.all(homes.map((home) => home.read()))).toEqual([undefined, undefined]);
    const keys = await Promise.all(homes.map(async () => (await createKeyPair()).privateKey));
    const kept = await Promise.all(
      homes.map((home, index) => {
        const key = keys[index];
        if (key === undefined) throw new Error('there is a key for each');
        return home.write({ key, url: undefined, email: undefined });
      }),
    );
    expect(kept[0]?.key.equals(kept[1]?.key ?? keys[0] ?? kept[0].key)).toBe(true);
    await homes[0]?.write({ ...(kept[0] ?? fail()), url: 'https://ca.example/1' });
    expect((await homes[1]?.read())?.url).toBe('https://ca.example/1');
    await server.kill();
    expect((await homes[1]?.read())?.url).toBe('https://ca.example/1');
  });

  it('counts the orders of all replicas', async () => {
    const server = await startServer();
    const open = async (shared: boolean): Promise<ReturnType<typeof createOrderLedger>> =>
      createOrderLedger({
        stateDir: await createFolder(),
        shared: shared ? createRedisTexts(await connect(server)) : undefined,
        clock: systemClock,
        ordersPerThreeHours: 3,
      });
    const [one, other, alone] = [await open(true), await open(true), await open(false)];
    expect(await one.take('pebble')).toBeUndefined();
    expect(await one.take('pebble')).toBeUndefined();
    expect(await other.take('pebble')).toBeUndefined();
    expect(await other.take('pebble')).toBeGreaterThan(Date.now());
    expect(await alone.take('pebble')).toBeUndefined();
    await server.kill();
    // What Redis knew is not known now; the own count goes on.
    expect(await other.take('pebble')).toBeGreaterThan(Date.now());
  });
});

describe.skipIf(redisIsExcused)('answers to challenges that replicas share', () => {
  it('are known to all once they are put, cost Redis nothing when asked for, and are gone at the end', async () => {
    const server = await startServer();
    const open = async (): Promise<ReturnType<typeof createSharedChallengeBoard>> => {
      const board = createSharedChallengeBoard({
        local: createChallengeBoard(await createFolder()),
        redis: await connect(server),
        clock: systemClock,
      });
      onTestFinished(() => board.close());
      return board;
    };
    const [one, other] = [await open(), await open()];
    await one.put('http-01 token', 'answer');
    expect([one.read('http-01 token'), other.read('http-01 token')]).toEqual(['answer', 'answer']);
    const commands = (): number =>
      Number(/cmdstat_hgetall:calls=(\d+)/.exec(server.cli('info', 'commandstats'))?.[1]);
    const before = commands();
    for (let n = 0; n < 10_000; n++) expect(other.read(`http-01 ${n}`)).toBeUndefined();
    expect(commands() - before).toBeLessThan(20);
    expect(Number(server.cli('pttl', '{breakwater}:challenges'))).toBeGreaterThan(0);
    await one.remove('http-01 token');
    await until(() => other.read('http-01 token') === undefined);
    expect(other.read('http-01 token')).toBeUndefined();
    await server.kill();
    await expect(one.put('http-01 late', 'answer')).rejects.toMatchObject({ code: 'E_STATE_UNREACHABLE' });
  });
});

function fail(): never {
  throw new Error('there is one');
}
