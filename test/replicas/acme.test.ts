import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../cli/capture-io.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';
import { findFreePort, programsAreMandatory } from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine } from '../support/proxy-engine.ts';
import { redisIsExcused, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { serialSeen } from '../support/tls-peers.ts';
import { until } from '../support/until.ts';

const name = 'mcp.example.com';
const ISSUE_MILLISECONDS = 60_000;
const aSerial: unknown = expect.stringMatching(/^[0-9A-F]+$/);
const haproxy = findEngine('haproxy');

let pebble: Pebble;

beforeAll(async () => {
  pebble = await startPebble();
});
afterAll(() => pebble.stop());

interface Replica {
  readonly listen: string;
  readonly plain: string;
  readonly challenge: string;
  readonly stateDir: string;
  readonly workers?: number;
  /** URL of the Redis that it shares. */
  readonly redis?: string;
}

async function startReplica(replica: Replica): Promise<GatewayProcess> {
  const { listen, plain, challenge, stateDir, redis, workers = 1 } = replica;
  const gateway = await startGatewayProcess({
    upstreamPort: 9,
    stateDir,
    config: {
      listen,
      plain_http: plain,
      workers,
      domains: [name],
      danger_allow_public: true,
      ...(redis === undefined ? {} : { state: { redis } }),
      tls: {
        acme: {
          directory: pebble.directory,
          ca: pebble.rootFile,
          accept_terms: true,
          challenges: [challenge],
        },
      },
      log: { level: 'debug', format: 'json', access: 'off' },
    },
    limits: { connections: 500 },
  });
  onTestFinished(async () => {
    await gateway.stop();
    await gateway.clean();
  });
  return gateway;
}

const count = (gateways: readonly GatewayProcess[], message: string): number =>
  gateways.reduce((sum, { complaints }) => sum + complaints.split(message).length - 1, 0);

async function issued(gateways: readonly GatewayProcess[]): Promise<void> {
  await until(() => count(gateways, 'issued a certificate') > 0, ISSUE_MILLISECONDS);
  expect(count(gateways, 'issued a certificate'), gateways.map((each) => each.complaints).join('\n')).toBe(1);
}

/** The serial number that a client sees; a process without a certificate refuses the handshake. */
function lookAt(port: number): Promise<string> {
  return serialSeen({ port, servername: name }).then(String, () => 'refused');
}

/** Serial numbers that new connections see; many, so that each process is met. */
async function serials(port: number): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  for (let connection = 0; connection < 8; connection++) seen.add(await lookAt(port));
  return seen;
}

describe.each(['http-01', 'tls-alpn-01'])('certificates of several processes, %s', (challenge) => {
  it('workers: one orders, whichever is asked answers, and all serve what comes', async () => {
    const stateDir = await createStateDir();
    const gateway = await startReplica({
      stateDir,
      listen: `127.0.0.1:${pebble.tlsPort}`,
      plain: `127.0.0.1:${pebble.httpPort}`,
      challenge,
      workers: 3,
    });
    await issued([gateway]);
    await until(async () => (await serials(pebble.tlsPort)).size === 1, 20_000);
    const seen = await serials(pebble.tlsPort);
    expect(seen.size).toBe(1);
    expect([...seen][0]).toMatch(/^[0-9A-F]+$/);
  });

  describe.skipIf(haproxy.kind === 'missing' && !programsAreMandatory)('replicas behind HAProxy', () => {
    it('with one state directory: one orders, whichever is asked answers, and both serve what comes', async () => {
      const stateDir = await createStateDir();
      const { replicas, ports } = await startBehindBalancer({ challenge, stateDirs: [stateDir, stateDir] });
      await issued(replicas);
      expect(await findServed(ports)).toEqual([aSerial]);
    });

    it.skipIf(redisIsExcused)(
      'with a directory each and one Redis: one orders, whichever is asked answers, and both serve what comes',
      async () => {
        const server = await startRedisServer();
        onTestFinished(() => server[Symbol.asyncDispose]());
        const stateDirs = [await createStateDir(), await createStateDir()] as const;
        const { replicas, ports } = await startBehindBalancer({
          challenge,
          stateDirs,
          redis: server,
          asksSecondAlone: true,
        });
        await issued(replicas);
        expect(await findServed(ports)).toEqual([aSerial]);
        expect(server.cli('hlen', '{breakwater}:challenges')).toBe('0');
        // A copy in each directory, where commands find it.
        const copies = await Promise.all(stateDirs.map((stateDir) => readCopies(stateDir)));
        expect(copies[0]).toEqual(copies[1]);
        for (const stateDir of stateDirs) {
          const listed = await runCli(['certs', 'list', '--state-dir', stateDir]);
          expect(listed.stdout).toContain(name);
        }
        const [before] = await serials(pebble.tlsPort);
        // The first orders one, and the second is asked for its answers.
        for (const stateDir of stateDirs) {
          const renewed = await runCli(['certs', 'renew', name, '--state-dir', stateDir]);
          expect(renewed.exit, renewed.stderr).toBe(0);
        }
        expect(await findServed(ports)).toEqual([aSerial]);
        expect((await serials(pebble.tlsPort)).has(before ?? '')).toBe(false);
        expect(count(replicas, 'no new certificate'), replicas[0]?.complaints).toBe(0);
        // One account has ordered all three.
        expect(count(replicas, 'issued a certificate')).toBe(3);
        const accounts = await Promise.all(stateDirs.map((stateDir) => readCopies(stateDir, 'account.json')));
        expect(accounts[0]).toHaveLength(1);
        expect(accounts[0]).toEqual(accounts[1]);
        await server.kill();
        expect(await findServed(ports)).toEqual([aSerial]);
        const away = await runCli(['certs', 'renew', name, '--state-dir', stateDirs[0] ?? '']);
        expect(away.stderr).toContain('E_STATE_UNREACHABLE');
        expect(await findServed(ports)).toEqual([aSerial]);
      },
    );

    it('control: with a directory each and no Redis both order', async () => {
      const stateDirs = [await createStateDir(), await createStateDir()] as const;
      const { replicas } = await startBehindBalancer({ challenge, stateDirs });
      // A validator that comes to the wrong one makes the order fail, and it is repeated.
      await until(() => count(replicas, '"step":"order"') > 1, ISSUE_MILLISECONDS);
      expect(replicas.map((replica) => count([replica], '"step":"order"') > 0)).toEqual([true, true]);
    });
  });
});

interface Balanced {
  readonly replicas: readonly GatewayProcess[];
  /** Of the TLS listeners. */
  readonly ports: readonly number[];
}

/** Two replicas that HAProxy hands connections in turn. */
async function startBehindBalancer(options: {
  readonly challenge: string;
  readonly stateDirs: readonly [string, string];
  readonly redis?: RedisServer;
  /** Whether clients and validators get to the second as long as it is there. */
  readonly asksSecondAlone?: boolean;
}): Promise<Balanced> {
  const { challenge, stateDirs, redis, asksSecondAlone = false } = options;
  if (haproxy.kind === 'missing') throw new Error(haproxy.reason);
  const ports = [await findFreePort(), await findFreePort(), await findFreePort(), await findFreePort()];
  const folder = await createEngineFolder();
  const backend = (kind: string, front: number, servers: readonly (number | undefined)[]): string =>
    `listen ${kind}\n  bind 127.0.0.1:${front}\n  balance roundrobin\n${servers
      .map(
        (port, index) =>
          `  server r${index} 127.0.0.1:${port}${asksSecondAlone && index === 0 ? ' backup' : ''}\n`,
      )
      .join('')}`;
  const text = `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n${backend(
    'secure',
    pebble.tlsPort,
    ports.slice(0, 2),
  )}${backend('plain', pebble.httpPort, ports.slice(2))}`;
  const balancer = await startEngine('haproxy', {
    folder,
    files: [{ path: 'haproxy.cfg', text }],
    port: pebble.tlsPort,
  });
  onTestFinished(() => balancer.stop());
  const start = (index: 0 | 1): Promise<GatewayProcess> =>
    startReplica({
      listen: `127.0.0.1:${ports[index]}`,
      plain: `127.0.0.1:${ports[index + 2]}`,
      challenge,
      stateDir: stateDirs[index],
      ...(redis === undefined ? {} : { redis: `redis://127.0.0.1:${redis.port}` }),
    });
  // Who is asked has to be there first.
  const second = asksSecondAlone ? await start(1) : start(1);
  const replicas = await Promise.all([start(0), second]);
  return { replicas, ports: ports.slice(0, 2) };
}

/** Serial numbers that are served, by whichever replica; waits until there is one. */
async function findServed(ports: readonly number[]): Promise<readonly string[]> {
  const look = async (): Promise<readonly string[]> => {
    const each = await Promise.all(ports.map(lookAt));
    return [...new Set([...(await serials(pebble.tlsPort)), ...each])];
  };
  await until(async () => (await look()).length === 1, 20_000);
  return look();
}

async function createStateDir(): Promise<string> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-acme-'));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  return stateDir;
}

async function readCopies(stateDir: string, file = 'certificate.pem'): Promise<readonly string[]> {
  const names = await readdir(stateDir, { recursive: true });
  const wanted = names.filter((path) => path.endsWith(`/${file}`));
  return Promise.all(wanted.map((path) => readFile(join(stateDir, path), 'utf8')));
}
