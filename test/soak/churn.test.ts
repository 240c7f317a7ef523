import type { ClientHttp2Session } from 'node:http2';
import { Pool } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildCall } from '../support/messages.ts';
import { countDescriptors, countSockets, fitTrend, readResidentBytes } from '../support/process-meter.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { countLines, expectWithin, formatBounds, listBroken, type Bounds } from './bounds.ts';
import { openQuietClient, openSession, type QuietClient } from './quiet-client.ts';
import { startSilenceRelay } from './silence-relay.ts';
import { until } from '../support/until.ts';

const MINUTE = 60_000;
const KIB = 1024;
const MIB = 1024 * KIB;
/** Operations of a round, and how many at a time. One call in eight is the first of its connection. */
const calls = isFullRun ? 8000 : 1000;
const streams = isFullRun ? 2000 : 1000;
const rounds = isFullRun ? 25 : 6;
const atATime = 50;

const answerCall = answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
const call = buildCall({ size: 2000 });

/** The four ways a stream goes: the client leaves, its connection leaves, the upstream ends in order or breaks off. */
const endings = ['client', 'connection', 'end', 'break'] as const;

describe(`${rounds} times ${calls} calls and ${streams} streams, opened and closed over HTTP/1.1 and HTTP/2`, () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  const streaming = new Map<string, ReceivedRequest>();

  beforeEach(async () => {
    upstream = await startScriptedUpstream((request) => {
      const label =
        /^mcp-session-id: (\S+)/im.exec(request.head)?.[1] ?? /"id":"([^"]+)"/.exec(request.body)?.[1];
      if (label === undefined) {
        answerCall(request);
        return;
      }
      streaming.set(label, request);
      request.socket.write(eventStreamHead + toChunk(`data: ${label}\n\n`));
    });
    const timeouts = { upstream_idle: '1s', idle: '1s', stall: '1s' };
    gateway = await startGatewayProcess({ upstreamPort: upstream.port, timeouts });
  });
  afterEach(async () => {
    await gateway.stop();
    await gateway.clean();
    await upstream.stop();
  });

  it('leave sockets and memory where they were', { timeout: (isFullRun ? 60 : 4) * MINUTE }, async () => {
    const sockets = countSockets(gateway.pid);
    const descriptors = countDescriptors(gateway.pid);
    const handles = (await gateway.countHandles()) ?? 0;
    const left: number[] = [];
    const heap: number[] = [];
    const resident: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await churn();
      left.push((await untilSockets(sockets)) - sockets);
      heap.push(await gateway.measureHeap());
      resident.push(readResidentBytes(gateway.pid));
    }
    // A start still has a file open for a moment, in which it writes the keys of session tickets.
    const descriptorsLeft = Math.max(0, countDescriptors(gateway.pid) - descriptors);
    const handlesLeft = await untilHandles(handles);
    const exitCode = await gateway.stop();
    const records = await gateway.readAccessLog();
    const bounds = toBounds(heap, resident);
    const wrongs = {
      'sockets left after a round': Math.max(...left),
      'descriptors left': descriptorsLeft,
      'handles left': handlesLeft,
      'answers without a line in the log': rounds * (calls + streams) - records.length,
      'complaints of the gateway': countLines(gateway.complaints),
    };
    recordEvidence({
      id: 'T34',
      title: `Churn: ${rounds * calls} short calls and ${rounds * streams} streams opened and closed, over TLS`,
      cases: rounds * (calls + streams),
      failures: Object.values(wrongs).filter((count) => count !== 0).length + listBroken(bounds).length,
      figures: {
        ...wrongs,
        ...formatBounds(bounds),
        ...(isExecutable ? {} : { 'alive after each round, MiB': toMebibytes(heap) }),
        'resident after each round, MiB': toMebibytes(resident),
      },
      control: 'streams that stay open are seen in sockets, handles and memory',
    });
    expect(wrongs, `${JSON.stringify(wrongs)} ${gateway.complaints}`).toEqual({
      'sockets left after a round': 0,
      'descriptors left': 0,
      'handles left': 0,
      'answers without a line in the log': 0,
      'complaints of the gateway': 0,
    });
    expectWithin(bounds);
    expect(exitCode).toBe(0);
  });

  it('control: streams that stay open are seen in sockets, handles and memory', async () => {
    const sockets = countSockets(gateway.pid);
    const handles = (await gateway.countHandles()) ?? 0;
    const heap = await gateway.measureHeap();
    const clients = await openStreams({ count: atATime, first: 0 });
    expect(countSockets(gateway.pid)).toBe(sockets + 2 * atATime);
    if (!isExecutable) expect(await gateway.countHandles()).toBeGreaterThan(handles + atATime);
    expect(await gateway.measureHeap()).toBeGreaterThan(heap + atATime * 1024);
    for (const client of clients) client.close();
    expect(await untilSockets(sockets)).toBe(sockets);
    expect(await untilHandles(handles)).toBe(0);
  });

  // A write that meets a connection going down may never be told its end; what waits for it must not wait for ever.
  it('leave nothing when client, connection and upstream go at the same moment', async () => {
    const sockets = countSockets(gateway.pid);
    const { ca } = gateway;
    for (let round = 0; round < 200; round++) {
      const relay = await startSilenceRelay(gateway.port);
      const session = await openSession({ port: relay.port, ca });
      const clients = await openStreams({ count: 5, first: 5 * round, session });
      for (const { label } of clients) streaming.get(label)?.socket.write(toChunk('data: last\n\n'));
      for (const client of clients) client.close();
      relay.stop();
      for (const { label } of clients) streaming.get(label)?.socket.destroy();
      session.destroy();
    }
    expect(await untilSockets(sockets)).toBe(sockets);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
  });

  async function churn(): Promise<void> {
    await makeCalls(calls / 2, { allowH2: false });
    await makeCalls(calls / 2, { allowH2: true });
    for (let first = 0; first < streams / 2; first += atATime) {
      await endStreams(await openStreams({ count: atATime, first }), undefined);
    }
    for (let first = streams / 2; first < streams; first += atATime) {
      const session = await openSession(gateway);
      await endStreams(await openStreams({ count: atATime, first, session }), session);
    }
    upstream.forget();
    streaming.clear();
  }

  async function makeCalls(count: number, { allowH2 }: { readonly allowH2: boolean }): Promise<void> {
    const origin = `https://localhost:${gateway.port}`;
    const connect = { ca: gateway.ca, autoSelectFamily: false, host: '127.0.0.1' };
    for (let made = 0; made < count; made += atATime) {
      const pool = new Pool(origin, {
        connections: allowH2 ? 2 : 10,
        connect,
        allowH2,
        pipelining: allowH2 ? 50 : 1,
      });
      const answers = Array.from({ length: atATime }, async () => {
        const { statusCode, body } = await pool.request({
          path: '/mcp',
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          body: call,
        });
        await body.dump();
        return statusCode;
      });
      expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
      await pool.close();
    }
  }

  function openStreams(options: {
    readonly count: number;
    readonly first: number;
    readonly session?: ClientHttp2Session;
  }): Promise<QuietClient[]> {
    const { count, first, session } = options;
    const { port, ca } = gateway;
    const now = (): number => performance.now();
    return Promise.all(
      Array.from({ length: count }, (_, index) => {
        const label = `stream-${first + index}`;
        const era = index % 2 === 0 ? 'legacy' : 'modern';
        return openQuietClient({ port, ca, label, era, session, now });
      }),
    );
  }

  /** Ends every stream in its own way and waits until its client knows. */
  async function endStreams(
    clients: readonly QuietClient[],
    session: ClientHttp2Session | undefined,
  ): Promise<void> {
    for (const [index, client] of clients.entries()) {
      const socket = streaming.get(client.label)?.socket;
      switch (endings[index % endings.length]) {
        case 'client':
          client.close();
          break;
        case 'end':
          socket?.write('0\r\n\r\n');
          break;
        case 'break':
          socket?.resetAndDestroy();
          break;
        case 'connection':
        case undefined:
          // Leaves with its session below, or with its own connection.
          if (session === undefined) client.close();
      }
    }
    const others = clients.filter((_, index) => endings[index % endings.length] !== 'connection');
    await Promise.all(others.map(({ ended }) => ended));
    session?.destroy();
    await Promise.all(clients.map(({ ended }) => ended));
  }

  /** Waits up to 5 s for the gateway to have no more handles than before. Resolves with how many more there are. */
  async function untilHandles(before: number): Promise<number> {
    const more = async (): Promise<number> => Math.max(0, ((await gateway.countHandles()) ?? 0) - before);
    await until(async () => (await more()) === 0);
    return more();
  }

  /**
   * Waits up to 5 s for the gateway to be back at a number of sockets, and for the upstream to have seen its own go. Resolves with how
   * many there are of both.
   */
  async function untilSockets(expected: number): Promise<number> {
    const count = (): number => countSockets(gateway.pid) + upstream.openSockets;
    await until(() => count() === expected);
    return count();
  }
});

/** What is alive is compared with the least there was: the first round fills caches, and compiled code goes again. */
function toBounds(heap: readonly number[], resident: readonly number[]): Bounds {
  const operations = calls + streams;
  const grown = ((heap.at(-1) ?? Number.NaN) - Math.min(...heap)) / MIB;
  const alive: Bounds = isExecutable
    ? {}
    : { 'growth of what is alive': { value: grown, below: 1, unit: 'MiB' } };
  if (isFullRun) {
    const { growth, span } = fitTrend(resident.map((value, round) => ({ at: round * operations, value })));
    return { ...alive, 'resident slope': { value: growth / span / KIB, below: 0.1, unit: 'KiB/operation' } };
  }
  // Few rounds have no slope. But resident memory comes to rest in one of them, or falls, as it hardly would with a leak.
  const calmest = Math.min(...toGrowths(resident));
  const value = calmest / operations / KIB;
  return { ...alive, 'resident growth of the calmest round': { value, below: 1, unit: 'KiB/operation' } };
}

/** Differences between neighbours. */
function toGrowths(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] ?? 0));
}

function toMebibytes(values: readonly number[]): string {
  return values.map((bytes) => (bytes / MIB).toFixed(1)).join(' ');
}
