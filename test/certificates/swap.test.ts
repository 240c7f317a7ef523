import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, createServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEventSource, type EventSource } from '../soak/event-source.ts';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { startHandshakeLoad, type HandshakeLoad } from '../support/handshake-load.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { toMaterial } from '../tls/material.ts';

const isFull = process.env['BREAKWATER_FULL'] === '1';
const swaps = isFull ? 200 : 40;
const streams = isFull ? 500 : 100;
/** How long one of two files is older than the other, now and then longer than the watcher waits. */
const gaps = [0, 5, 50, 300];
const authority = await createTestCertificate({ names: ['Swap Root'], ca: true });
const issue = (): Promise<TestCertificate> => createTestCertificate({ issuer: authority });

let directory: string;
let source: EventSource;
let fleet: StreamFleet;
let gateway: GatewayProcess;

const paths = (): { cert: string; key: string } => ({
  cert: join(directory, 'cert.pem'),
  key: join(directory, 'key.pem'),
});

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-swap-'));
  await swap(await issue(), { inPlace: true, gap: 0 });
  source = await startEventSource();
  fleet = await startStreamFleet();
  gateway = await startGatewayProcess({ upstreamPort: source.port, config: { tls: paths() } });
});
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await gateway.clean();
  await source[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Replaces the pair as renewal tools do: into the files or by renaming, one file after the other. */
async function swap(
  { cert, key }: TestCertificate,
  how: { readonly inPlace: boolean; readonly gap: number },
): Promise<void> {
  const write = async (path: string, text: string): Promise<void> => {
    const target = how.inPlace ? path : `${path}.next`;
    await writeFile(target, text, { mode: 0o600 });
    if (!how.inPlace) await rename(target, path);
  };
  await write(paths().cert, cert);
  if (how.gap > 0) await sleep(how.gap);
  await write(paths().key, key);
}

/** Swaps to a new certificate and tells after how many milliseconds a client got it. */
async function measureSwap(load: HandshakeLoad, turn: number): Promise<number> {
  const next = await issue();
  const { serialNumber } = toMaterial(next).facts;
  await swap(next, { inPlace: turn % 2 === 0, gap: gaps[turn % gaps.length] ?? 0 });
  const start = performance.now();
  await until(() => load.seenAt(serialNumber) !== undefined, 10_000);
  return (load.seenAt(serialNumber) ?? Infinity) - start;
}

it(
  `${swaps} swaps under ${streams} streams and a load of handshakes harm nobody`,
  { timeout: isFull ? 600_000 : 180_000 },
  async () => {
    const opened = await fleet.open({ port: gateway.port, ca: authority.cert, streams });
    expect(opened).toMatchObject({ opened: streams, failures: [] });
    const load = startHandshakeLoad({
      port: gateway.port,
      ca: authority.cert,
      fullClients: 4,
      resumingClients: 2,
    });
    const events = setInterval(() => void source.tell({ kind: 'send' }), 100);
    const waits: number[] = [];
    for (let turn = 0; turn < swaps; turn++) waits.push(await measureSwap(load, turn));
    clearInterval(events);
    const { next: sent } = await source.tell({ kind: 'send' });
    await until(async () => (await fleet.report()).events >= streams, 2000);
    const report = await load.stop();
    const after = await fleet.report();

    expect(report.failures).toEqual({});
    expect(report.full).toBeGreaterThan(swaps);
    expect(report.offered).toBeGreaterThan(swaps);
    // On Bun a new context brings ticket keys of its own, so each swap costs one full handshake a client.
    if (isExecutable) expect(report.resumed).toBeGreaterThan(0);
    else expect(report.resumed).toBe(report.offered);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    expect(after).toMatchObject({ running: streams, dropped: {}, disorder: 0, torn: 0 });
    expect(sent).toBeGreaterThan(0);
    expect(gateway.complaints).not.toMatch(/"level":"(?:warn|error)"|serves on/);
    expect(gateway.complaints.split('serving a new certificate')).toHaveLength(swaps + 1);
  },
);

it('a pair that stays apart is reported, and the old certificate serves on', async () => {
  const old = await issue();
  await swap(old, { inPlace: false, gap: 0 });
  const load = startHandshakeLoad({
    port: gateway.port,
    ca: authority.cert,
    fullClients: 2,
    resumingClients: 1,
  });
  await until(() => load.seenAt(toMaterial(old).facts.serialNumber) !== undefined);
  const { cert, key } = await issue();
  await writeFile(paths().cert, cert);
  const waited = await until(() => gateway.complaints.includes('E_TLS_KEY_MISMATCH'), 5000);
  expect(waited).toBeGreaterThan(1000);
  expect(waited).toBeLessThan(3000);
  await writeFile(paths().key, key);
  const { serialNumber } = toMaterial({ commonName: '', cert, key }).facts;
  await until(() => load.seenAt(serialNumber) !== undefined, 2000);
  expect(load.seenAt(serialNumber)).toBeDefined();
  expect((await load.stop()).failures).toEqual({});
});

it('fails without the guard: who takes the files as they are breaks handshakes', async () => {
  await swap(await issue(), { inPlace: true, gap: 0 });
  const { cert, key } = paths();
  const naive = createServer({
    SNICallback(_name, done) {
      try {
        done(null, createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) }));
      } catch (error) {
        done(error instanceof Error ? error : new Error('no context'));
      }
    },
  });
  naive.on('secureConnection', (socket) => void socket.on('error', () => socket.destroy()));
  naive.on('tlsClientError', (_error, socket) => void socket.destroy());
  naive.listen(0, '127.0.0.1');
  await once(naive, 'listening');
  const address = naive.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const load = startHandshakeLoad({ port, ca: authority.cert, fullClients: 4, resumingClients: 0 });
  for (let turn = 0; turn < 8; turn++) await measureSwap(load, turn);
  const report = await load.stop();
  naive.close();
  expect(report.full).toBeGreaterThan(0);
  expect(Object.values(report.failures).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});
