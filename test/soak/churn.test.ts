import type { ClientHttp2Session } from 'node:http2';
import { Pool } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { countSockets, readResidentBytes } from '../support/process-meter.ts';
import { openQuietClient, openSession, type QuietClient } from './quiet-client.ts';
import { startSilenceRelay } from './silence-relay.ts';

const MIB = 1024 * 1024;
const CALLS = 1000;
const STREAMS = 1000;
const AT_A_TIME = 50;
const ROUNDS = 6;

const answerCall = answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}');
const call = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: { message: 'x'.repeat(2000) } },
});

/** The four ways a stream goes: the client leaves, its connection leaves, the upstream ends in order or breaks off. */
const endings = ['client', 'connection', 'end', 'break'] as const;

describe('1,000 calls and 1,000 streams, opened and closed over HTTP/1.1 and HTTP/2', () => {
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

  it('leave sockets and memory where they were', { timeout: 240_000 }, async () => {
    const sockets = countSockets(gateway.pid);
    const heap: number[] = [];
    const resident: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await churn();
      expect(await untilSockets(sockets)).toBe(sockets);
      heap.push(await gateway.measureHeap());
      resident.push(readResidentBytes(gateway.pid));
    }
    console.log(`MiB after each round: heap ${toMebibytes(heap)}; resident ${toMebibytes(resident)}`);
    // The first round fills caches, pools and compiled code. What is alive does not grow after it; resident
    // memory comes to rest in one of the next rounds, which it never would with a leak of 1 KiB an operation.
    expect(Math.max(...toGrowths(heap))).toBeLessThan(MIB);
    expect(Math.min(...toGrowths(resident).map(Math.abs))).toBeLessThan((CALLS + STREAMS) * 1024);
    expect(upstream.openSockets).toBe(0);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
    expect(await gateway.readAccessLog()).toHaveLength(ROUNDS * (CALLS + STREAMS));
  });

  it('control: streams that stay open are seen in sockets and memory', async () => {
    const sockets = countSockets(gateway.pid);
    const heap = await gateway.measureHeap();
    const clients = await openStreams({ count: AT_A_TIME, first: 0 });
    expect(countSockets(gateway.pid)).toBe(sockets + 2 * AT_A_TIME);
    expect(await gateway.measureHeap()).toBeGreaterThan(heap + AT_A_TIME * 1024);
    for (const client of clients) client.close();
    expect(await untilSockets(sockets)).toBe(sockets);
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
    await makeCalls(CALLS / 2, { allowH2: false });
    await makeCalls(CALLS / 2, { allowH2: true });
    for (let first = 0; first < STREAMS / 2; first += AT_A_TIME) {
      await endStreams(await openStreams({ count: AT_A_TIME, first }), undefined);
    }
    for (let first = STREAMS / 2; first < STREAMS; first += AT_A_TIME) {
      const session = await openSession(gateway);
      await endStreams(await openStreams({ count: AT_A_TIME, first, session }), session);
    }
  }

  async function makeCalls(count: number, { allowH2 }: { readonly allowH2: boolean }): Promise<void> {
    const origin = `https://localhost:${gateway.port}`;
    const connect = { ca: gateway.ca, autoSelectFamily: false, host: '127.0.0.1' };
    for (let made = 0; made < count; made += AT_A_TIME) {
      const pool = new Pool(origin, {
        connections: allowH2 ? 2 : 10,
        connect,
        allowH2,
        pipelining: allowH2 ? 50 : 1,
      });
      const answers = Array.from({ length: AT_A_TIME }, async () => {
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
    await expect
      .poll(() => others.every(({ dropped }) => dropped !== undefined), { timeout: 5000 })
      .toBe(true);
    session?.destroy();
    await expect
      .poll(() => clients.every(({ dropped }) => dropped !== undefined), { timeout: 5000 })
      .toBe(true);
  }

  /** Waits up to 5 s for the gateway to be back at a number of sockets. */
  async function untilSockets(expected: number): Promise<number> {
    for (let round = 0; round < 50 && countSockets(gateway.pid) !== expected; round++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return countSockets(gateway.pid);
  }
});

/** Differences between neighbours. */
function toGrowths(values: readonly number[]): number[] {
  return values.slice(1).map((value, index) => value - (values[index] ?? 0));
}

function toMebibytes(values: readonly number[]): string {
  return values.map((bytes) => (bytes / MIB).toFixed(1)).join(' ');
}
