import { execFile } from 'node:child_process';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { SourceCommand, SourceState } from '../soak/event-source-protocol.ts';
import { startAskedProcess } from '../support/asked-process.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import { eras, protocols, startCall, type Outcome } from './calls.ts';
import { percentile } from '../support/percentile.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';
import { startNaiveProxy } from './naive-proxy.ts';
import { losePackets } from './packet-filter.ts';

const run = promisify(execFile);
const ROUNDS = isFullRun ? 20 : 2;
const SECOND = 1000;

type Kill = (socket: Socket) => unknown;

const kills: readonly (readonly [string, Kill])[] = [
  ['FIN', (socket) => socket.end()],
  ['RST', (socket) => socket.resetAndDestroy()],
  [
    'the system (ss -K)',
    ({ localPort, remotePort }) =>
      run('ss', ['-K', '-t', 'src', `127.0.0.1:${localPort}`, 'dst', `127.0.0.1:${remotePort}`]),
  ],
];

const MARK = 'half-way';
/** What the upstream has sent when it dies, and what the client must have then. */
const moments: readonly {
  readonly name: string;
  readonly sent: string;
  readonly expected: (id: string) => object;
}[] = [
  {
    name: 'before its head',
    sent: '',
    expected: (id) => ({ status: 502, isWhole: true, error: { id, reason: 'E_UPSTREAM_CLOSED' } }),
  },
  {
    name: 'in the middle of JSON',
    sent: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"${MARK}`,
    expected: () => ({ status: 200, isWhole: false, error: undefined }),
  },
  {
    name: 'in the middle of an event',
    sent: `${eventStreamHead}${toChunk('data: {"jsonrpc":"2.0"}\n\n')}${toChunk(`data: ${MARK}`)}`,
    expected: (id) => ({ status: 200, isWhole: true, error: { id, reason: 'E_UPSTREAM_BROKE_OFF' } }),
  },
];

/** The JSON-RPC error in an answer of either kind. */
function readError({ body }: Outcome): { readonly id: unknown; readonly reason: unknown } | undefined {
  const text = body.startsWith('{"jsonrpc"') ? body : /data: (\{.*"error".*\})\n\n$/.exec(body)?.[1];
  if (text === undefined) return undefined;
  // Of our own making, see src/mcp/rpc-error.ts.
  const message = JSON.parse(text) as { id: unknown; error: { data: { reason: unknown } } };
  return { id: message.id, reason: message.error.data.reason };
}

describe('upstream-death (T8)', () => {
  const delays: number[] = [];
  const figures: Record<string, string | number> = {};
  let cases = 0;
  let failures = 0;
  let repeated = 0;
  let control = '';

  for (const [killName, kill] of kills) {
    it.each(moments)(`$name by ${killName} is told at once, and nothing is sent twice`, async (moment) => {
      const seen: string[] = [];
      const sockets = new Map<string, Socket>();
      const waiting = new Map<string, () => void>();
      await using upstream = disposable(
        await startScriptedUpstream(({ body, socket }) => {
          // The bodies are of this file's own making.
          const { id } = JSON.parse(body) as { id: string };
          seen.push(id);
          sockets.set(id, socket);
          if (moment.sent !== '') socket.write(moment.sent);
          waiting.get(id)?.();
        }),
      );
      await using rig = await startFaultRig({ upstreamPort: upstream.port });
      for (let round = 0; round < ROUNDS; round++) {
        for (const era of eras) {
          for (const protocol of protocols) {
            const id = `${era}-${protocol}-${round}`;
            const received = new Promise<void>((resolve) => void waiting.set(id, resolve));
            const call = await startCall(rig.gateway, { protocol, era, id });
            await (moment.sent === '' ? received : call.until(MARK));
            const diedAt = performance.now();
            const socket = sockets.get(id);
            if (socket !== undefined) await kill(socket);
            const outcome = await call.outcome;
            const { status, isWhole } = outcome;
            expect({ status, isWhole, error: readError(outcome) }, id).toEqual(moment.expected(id));
            delays.push(outcome.endedAt - diedAt);
            cases++;
          }
        }
      }
      repeated += seen.length - new Set(seen).size;
      expect(repeated).toBe(0);
      expect(seen).toHaveLength(ROUNDS * eras.length * protocols.length);
      expect(percentile(delays, 1)).toBeLessThan(SECOND);
      expect(await rig.leftovers()).toEqual(nothingLeft);
      expect(await rig.end()).toEqual(endedWell);
    });
  }

  it('a server that stands still (SIGSTOP) holds a call until the client leaves, and nothing after', async () => {
    const program = new URL('../soak/event-source-process.ts', import.meta.url);
    await using source = await startAskedProcess<SourceCommand, SourceState>(program);
    const { port } = await source.ask({ kind: 'report' });
    await using rig = await startFaultRig({ upstreamPort: port });
    const ask = (id: string): ReturnType<typeof startCall> =>
      startCall(rig.gateway, { protocol: 'h1', era: 'legacy', id });
    expect(await (await ask('before')).outcome).toMatchObject({ status: 200 });
    process.kill(source.pid, 'SIGSTOP');
    const calls = await Promise.all(
      protocols.map((protocol) => startCall(rig.gateway, { protocol, era: 'modern', id: protocol })),
    );
    await expect(Promise.race([...calls.map(({ outcome }) => outcome), after(SECOND)])).resolves.toBe(
      'still waiting',
    );
    for (const call of calls) call.leave();
    expect(await rig.leftovers()).toEqual(nothingLeft);
    process.kill(source.pid, 'SIGCONT');
    expect(await (await ask('after')).outcome).toMatchObject({ status: 200 });
    cases += 4;
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('a network that swallows the connection is told within the time-out to connect', async () => {
    await using upstream = disposable(await startScriptedUpstream());
    await using rig = await startFaultRig({ upstreamPort: upstream.port });
    await using _loss = await losePackets({ port: upstream.port });
    const start = performance.now();
    const call = await startCall(rig.gateway, { protocol: 'h1', era: 'modern', id: 'lost' });
    const outcome = await call.outcome;
    const waited = outcome.endedAt - start;
    expect(outcome).toMatchObject({ status: 504, isWhole: true });
    expect(readError(outcome)).toEqual({ id: 'lost', reason: 'E_UPSTREAM_TIMEOUT' });
    expect(waited).toBeGreaterThan(4.9 * SECOND);
    expect(waited).toBeLessThan(6.5 * SECOND);
    figures['connect black hole told after'] = `${(waited / SECOND).toFixed(1)} s`;
    cases++;
    expect(upstream.requests).toHaveLength(0);
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('a server that vanishes under a call and under a quiet stream is noticed', async () => {
    const stall = 10;
    await using upstream = disposable(
      await startScriptedUpstream(({ socket, body }) => {
        if (body.includes('stream')) socket.write(`${eventStreamHead}${toChunk(`data: ${MARK}\n\n`)}`);
        else if (body.includes('first')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      }),
    );
    await using rig = await startFaultRig({
      upstreamPort: upstream.port,
      timeouts: { stall: `${stall}s`, upstream_idle: '4s' },
    });
    const quiet = await startCall(rig.gateway, { protocol: 'h1', era: 'modern', id: 'stream' });
    await quiet.until(MARK);
    const first = await startCall(rig.gateway, { protocol: 'h1', era: 'legacy', id: 'first' });
    expect(await first.outcome).toMatchObject({ status: 200 });
    await using _loss = await losePackets({ port: upstream.port });
    const start = performance.now();
    // It goes to the idle connection, whose other end is no longer there.
    const call = await startCall(rig.gateway, { protocol: 'h1', era: 'legacy', id: 'second' });
    const outcome = await call.outcome;
    const waited = outcome.endedAt - start;
    expect(readError(outcome)).toEqual({ id: 'second', reason: 'E_UPSTREAM_CLOSED' });
    // Looks 10 s apart, and one sweep late at most.
    expect(waited).toBeLessThan((stall + 10 + 1.5) * SECOND);
    figures[`upstream vanished under a call, stall ${stall} s, told after`] =
      `${(waited / SECOND).toFixed(1)} s`;
    cases++;
    if (isFullRun) {
      const last = await quiet.outcome;
      expect(readError(last)).toEqual({ id: 'stream', reason: 'E_UPSTREAM_BROKE_OFF' });
      const silent = last.endedAt - start;
      // TCP keep-alive: 60 s of silence and ten questions.
      expect(silent).toBeLessThan(75 * SECOND);
      figures['upstream vanished under a quiet stream told after'] = `${(silent / SECOND).toFixed(1)} s`;
      cases++;
    } else {
      quiet.leave();
    }
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  }, 120_000);

  it.each(kills)(
    'control: a proxy that does not tell the client of %s leaves it waiting',
    async (_name, kill) => {
      let socket: Socket | undefined;
      await using upstream = disposable(await startScriptedUpstream((request) => (socket = request.socket)));
      await using proxy = await startNaiveProxy(upstream.port);
      const call = await startCall(proxy, { protocol: 'h1', era: 'legacy', id: 'control' });
      await upstream.next();
      if (socket !== undefined) await kill(socket);
      await expect(Promise.race([call.outcome, after(SECOND)])).resolves.toBe('still waiting');
      call.leave();
      control = 'a proxy that tells neither side: no client has an answer after 1 s';
    },
  );

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({
      id: 'T8',
      title: 'upstream death',
      cases,
      failures,
      figures: {
        'client told after, p99': `${percentile(delays, 0.99).toFixed(0)} ms`,
        longest: `${percentile(delays, 1).toFixed(0)} ms`,
        'calls seen twice by the upstream': repeated,
        ...figures,
      },
      control,
    });
  });
});

function after(milliseconds: number): Promise<string> {
  return new Promise((resolve) => void setTimeout(() => resolve('still waiting'), milliseconds));
}

function disposable<T extends { stop(): Promise<void> }>(upstream: T): T & AsyncDisposable {
  return Object.assign(upstream, { [Symbol.asyncDispose]: () => upstream.stop() });
}
