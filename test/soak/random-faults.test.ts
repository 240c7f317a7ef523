import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKeys, type ApiKeys } from '../../src/auth/keys/api-keys.ts';
import { openKeyStore } from '../../src/auth/key-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Store } from '../../src/state/store/store.ts';
import { startFaultRig, type FaultRig } from '../faults/fault-rig.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { startFaultRelay, type FaultRelay } from '../support/fault-relay.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startSteadyCaller, type SteadyCaller } from '../support/steady-caller.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';

/** One fault for each two minutes of 72 virtual hours, sixty times as fast: 72 minutes. */
const FAULTS = isFullRun ? 2160 : 40;
const EVERY_MILLISECONDS = isFullRun ? 2000 : 500;
const STREAMS = isFullRun ? 1000 : 200;
const CALLS_PER_SECOND = 50;
/** Connections at each fault that share the fate of what is broken. */
const AFFECTED = 5;
const CUT_OFF_MILLISECONDS = 5000;
const seed = Number(process.env['BREAKWATER_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function createRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A route with its callers and streams that nothing happens to, beside others whose upstream, clients, keys, certificate and
 * configuration break at random.
 */
describe(`random faults (T42), BREAKWATER_SEED=${seed}`, () => {
  const random = createRandom(seed);
  const authority = createTestCertificate({ names: ['Faults Root'], ca: true });
  const counts = new Map<string, number>();
  let directory: string;
  let calm: ScriptedUpstream;
  let troubled: ScriptedUpstream;
  let relay: FaultRelay;
  let rig: FaultRig;
  let fleet: StreamFleet;
  let caller: SteadyCaller;
  let store: Store;
  let keys: ApiKeys;
  let door: { readonly port: number; readonly ca: string };
  let answered = 0;
  let failures = 1;

  const answer = (request: ReceivedRequest): void => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
    else answerJson('{"jsonrpc":"2.0","id":1,"result":{}}')(request);
  };
  const paths = (): { readonly cert: string; readonly key: string } => ({
    cert: join(directory, 'cert.pem'),
    key: join(directory, 'key.pem'),
  });
  async function renewCertificate(): Promise<void> {
    const { cert, key } = await createTestCertificate({ issuer: await authority });
    for (const [path, text] of [
      [paths().key, key],
      [paths().cert, cert],
    ] as const) {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    }
  }
  const routes = (): readonly object[] => [
    { path: '/mcp', upstream: `http://127.0.0.1:${calm.port}/mcp` },
    { path: '/troubled', upstream: `http://127.0.0.1:${relay.port}/mcp` },
    { path: '/locked', upstream: `http://127.0.0.1:${calm.port}/mcp`, auth: { keys: 'stored' } },
  ];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'breakwater-faults-'));
    calm = await startScriptedUpstream(answer);
    troubled = await startScriptedUpstream(answer);
    relay = await startFaultRelay({ targetPort: troubled.port, random });
    await renewCertificate();
    rig = await startFaultRig({
      upstreamPort: calm.port,
      config: { routes: routes(), tls: paths() },
      timeouts: { heartbeat: '2s' },
    });
    door = { port: rig.gateway.port, ca: (await authority).cert };
    const { stateDir } = rig.gateway;
    store = await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined });
    keys = createApiKeys(store, { clock: systemClock });
    fleet = await startStreamFleet();
    const { opened } = await fleet.open({ ...door, streams: STREAMS });
    if (opened !== STREAMS) throw new Error(`${opened} of ${STREAMS} streams opened`);
    caller = await startSteadyCaller({ ...door, perSecond: CALLS_PER_SECOND });
  });

  afterAll(async () => {
    await caller[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
    store.close();
    await rig[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
    await troubled.stop();
    await calm.stop();
    await rm(directory, { recursive: true });
    recordEvidence({
      id: 'T42',
      title: 'random faults',
      cases: [...counts.values()].reduce((sum, count) => sum + count, 0),
      failures,
      figures: {
        seed,
        'calls of unaffected clients, none failed': answered,
        'unaffected streams, none lost': STREAMS,
        ...Object.fromEntries(counts),
      },
      control: 'calls and streams of the route that is broken do fail',
    });
  });

  /** Calls and streams on the route that is broken. */
  async function troubledClients(): Promise<readonly RawClient[]> {
    const clients = await Promise.all(Array.from({ length: AFFECTED }, () => connectRaw(door)));
    clients.forEach((client, index) =>
      client.send(
        index % 2 === 0 ? buildPost(buildCall(), { path: '/troubled' }) : buildGet({ path: '/troubled' }),
      ),
    );
    return clients;
  }

  /** Whether a key that is revoked ends its stream in time. */
  async function revokeKey(number: number): Promise<void> {
    const name = `fault-${number}`;
    const key = await keys.create({ name, scopes: [], expiresAt: undefined });
    const client = await connectRaw(door);
    const isOpen = (): boolean => client.received.includes('200 OK');
    const isOver = (): boolean => client.socket.destroyed || client.received.endsWith('\r\n0\r\n\r\n');
    await until(async () => {
      client.send(buildGet({ path: '/locked', fields: `Authorization: Bearer ${key}\r\n` }));
      await until(() => client.received.includes('\r\n\r\n'), 1000);
      if (isOpen()) return true;
      client.clear();
      return false;
    }, CUT_OFF_MILLISECONDS);
    expect(isOpen()).toBe(true);
    await keys.revoke(name);
    const milliseconds = await until(isOver, CUT_OFF_MILLISECONDS + 1000);
    expect(milliseconds).toBeLessThan(CUT_OFF_MILLISECONDS);
    client.socket.destroy();
  }

  const faults: Readonly<Record<string, (number: number) => unknown>> = {
    'upstream connections reset': () => relay.cut('reset'),
    'upstream connections ended': () => relay.cut('end'),
    'upstream half closed': () => relay.halfClose('toClient'),
    'upstream silent': () => relay.set('toClient', { blackHole: true }),
    'upstream cut in its answers': () => relay.set('toClient', { cutAfter: Math.floor(random() * 400) }),
    'answers with wrong bits': () => relay.set('toClient', { flipBits: true }),
    'requests with wrong bits': () => relay.set('toTarget', { flipBits: true }),
    'slow network': () => relay.set('toClient', { delay: 100, jitter: 100, bytesPerSecond: 2000 }),
    'clients reset': async () => {
      for (const client of await troubledClients()) client.reset();
    },
    'clients half closed': async () => {
      for (const client of await troubledClients()) client.socket.end();
    },
    'half a request': async () => {
      const client = await connectRaw(door);
      const request = buildPost(buildCall());
      client.send(request.slice(0, Math.floor(random() * request.length)));
      client.socket.destroy();
    },
    'key revoked': revokeKey,
    'certificate renewed': renewCertificate,
    reload: async (number) => {
      await rig.gateway.rewriteConfig({ routes: routes(), hosts: [`host-${number}.test`] });
      expect(await rig.gateway.reload()).toMatchObject({ ok: true });
    },
    'reload of a broken file': async (number) => {
      await rig.gateway.rewriteConfig({ routes: routes(), no_such_setting: number });
      expect(await rig.gateway.reload()).toMatchObject({ ok: false });
    },
  };

  it(
    `${FAULTS} of them: unaffected calls and streams notice nothing`,
    async () => {
      const names = Object.keys(faults);
      for (let number = 0; number < FAULTS; number++) {
        // Each kind once, then as it comes.
        const name = names[number < names.length ? number : Math.floor(random() * names.length)] ?? '';
        counts.set(name, (counts.get(name) ?? 0) + 1);
        const affected = await troubledClients();
        await faults[name]?.(number);
        await until(() => false, EVERY_MILLISECONDS);
        relay.set('toClient', {});
        relay.set('toTarget', {});
        for (const client of affected) client.socket.destroy();
        const report = await caller.report();
        expect(report.failures, `${name}, fault ${number} of seed ${seed}`).toEqual({});
        answered += report.answered;
        const { running, dropped } = await fleet.report();
        expect({ running, dropped }, `${name}, fault ${number} of seed ${seed}`).toEqual({
          running: STREAMS,
          dropped: {},
        });
      }
      const last = await caller.stop();
      expect(last.failures).toEqual({});
      await caller[Symbol.asyncDispose]();
      await fleet.leave('end');
      expect(await rig.leftovers()).toMatchObject({ sockets: 0 });
      const { exitCode, complaints } = await rig.end();
      expect(exitCode).toBe(0);
      // Failures of upstreams are in the access log; the gateway's own say nothing but that a file was refused.
      expect(complaints.split('\n').filter((line) => /E_INTERNAL|failed inside|Warning/.test(line))).toEqual(
        [],
      );
      failures = 0;
    },
    FAULTS * (EVERY_MILLISECONDS + 3000),
  );

  it('control: on the route that is broken calls do fail', async () => {
    expect(counts.size).toBe(Object.keys(faults).length);
    const failed = (await rig.gateway.readAccessLog()).filter((line) => line.includes('E_UPSTREAM'));
    expect(failed.length).toBeGreaterThan(FAULTS / 10);
    expect(failed.every((line) => line.includes('/troubled'))).toBe(true);
  });
});
