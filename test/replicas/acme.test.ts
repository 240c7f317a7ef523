import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';
import { findFreePort, programsAreMandatory } from '../support/programs.ts';
import { createEngineFolder, findEngine, startEngine } from '../support/proxy-engine.ts';
import { serialSeen } from '../support/tls-peers.ts';
import { until } from '../support/until.ts';

const name = 'mcp.example.com';
const ISSUE_MILLISECONDS = 60_000;
const haproxy = findEngine('haproxy');

let pebble: Pebble;
let stateDir: string;

beforeAll(async () => {
  pebble = await startPebble();
});
afterAll(() => pebble.stop());

interface Replica {
  readonly listen: string;
  readonly plain: string;
  readonly challenge: string;
  readonly workers?: number;
}

async function startReplica({ listen, plain, challenge, workers = 1 }: Replica): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({
    upstreamPort: 9,
    stateDir,
    config: {
      listen,
      plain_http: plain,
      workers,
      domains: [name],
      danger_allow_public: true,
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
    stateDir = await mkdtemp(join(tmpdir(), 'breakwater-acme-'));
    onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
    const gateway = await startReplica({
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

  it.skipIf(haproxy.kind === 'missing' && !programsAreMandatory)(
    'replicas behind HAProxy: one orders, whichever is asked answers, and both serve what comes',
    async () => {
      if (haproxy.kind === 'missing') throw new Error(haproxy.reason);
      stateDir = await mkdtemp(join(tmpdir(), 'breakwater-acme-'));
      onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
      const ports = [await findFreePort(), await findFreePort(), await findFreePort(), await findFreePort()];
      const folder = await createEngineFolder();
      const backend = (kind: string, front: number, servers: readonly (number | undefined)[]): string =>
        `listen ${kind}\n  bind 127.0.0.1:${front}\n  balance roundrobin\n${servers
          .map((port, index) => `  server r${index} 127.0.0.1:${port}\n`)
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
      const replicas = await Promise.all(
        [0, 1].map((index) =>
          startReplica({
            listen: `127.0.0.1:${ports[index]}`,
            plain: `127.0.0.1:${ports[index + 2]}`,
            challenge,
          }),
        ),
      );
      await issued(replicas);
      await until(async () => (await serials(pebble.tlsPort)).size === 1, 20_000);
      expect((await serials(pebble.tlsPort)).size).toBe(1);
      const each = await Promise.all(ports.slice(0, 2).map((port) => lookAt(port ?? 0)));
      expect(each[0]).toBe(each[1]);
    },
  );
});
