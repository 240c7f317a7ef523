import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { connectH2 } from '../support/h2-client.ts';
import { buildGet, buildModern } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { streamed } from '../support/rig.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type Answer,
} from '../support/scripted-upstream.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { eras, protocols, startCall, type Call } from './calls.ts';
import { until } from '../support/until.ts';
import { endedWell, startFaultRig } from './fault-rig.ts';

const SECOND = 1000;
const STREAMS = 500;
const CALLS = 25;
const WITNESSES = 4;
/** Calls last from one to 25 of these. */
const STEP = isFullRun ? SECOND : SECOND / 5;
/** Seconds a shutdown may take. */
const CEILING = isFullRun ? 30 : 8;

/** Streams for whoever opens one; calls are answered after the time their id names. */
const answer: Answer = (request) => {
  const { head, body, socket } = request;
  if (head.startsWith('GET ') || body.includes('"subscriptions/listen"')) {
    socket.write(eventStreamHead + toChunk('id: 1\ndata: 0\n\n'));
    return;
  }
  const [, id = '', time = ''] = /"id":"([^"]*-(\d+|never))"/.exec(body) ?? [];
  if (time === 'never') return;
  const result = JSON.stringify({ jsonrpc: '2.0', id, result: {} });
  setTimeout(() => answerJson(result)(request), Number(time));
};

/** The calls of both eras and protocols in turn, each with how long it lasts. */
async function startCalls(gateway: GatewayProcess): Promise<{ readonly id: string; readonly call: Call }[]> {
  return Promise.all(
    Array.from({ length: CALLS }, async (_, index) => {
      const [era = 'legacy', protocol = 'h1'] = [eras[index % 2], protocols[(index >> 1) % 2]];
      const id = `${era}-${protocol}-${(index + 1) * STEP}`;
      return { id, call: await startCall(gateway, { era, protocol, id }) };
    }),
  );
}

/** What streams of both eras, over both protocols, end with. */
async function openWitnesses(gateway: GatewayProcess): Promise<() => Promise<Record<string, string>>> {
  const listen = buildModern('subscriptions/listen', { id: 'witness' });
  const legacy = await connectRaw(gateway);
  legacy.send(buildGet());
  const modern = await connectRaw(gateway);
  modern.send(buildPost(listen.body, { fields: listen.fields }));
  const client = await connectH2(gateway);
  const fields = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' };
  const [legacyH2, modernH2] = [client.get(), client.post(listen.body, fields)];
  const first = 'data: 0\n\n';
  const text = (body: string): boolean => body.includes(first);
  await Promise.all([
    streamed(legacy, text),
    streamed(modern, text),
    legacyH2.until(text),
    modernH2.until(text),
  ]);
  const afterFirst = (body: string): string => body.slice(body.indexOf(first) + first.length);
  return async () => {
    await Promise.all([legacy.closed(), modern.closed(), legacyH2.closed(), modernH2.closed()]);
    return {
      'legacy-h1': afterFirst(await streamed(legacy, text)),
      'modern-h1': afterFirst(await streamed(modern, text)),
      'legacy-h2': afterFirst(legacyH2.body),
      'modern-h2': afterFirst(modernH2.body),
    };
  };
}

const complete = expect.stringMatching(
  /^event: message\ndata: \{"jsonrpc":"2.0","id":"witness","result":\{"resultType":"complete",.*\}\}\n\n$/,
);
const retry = expect.stringMatching(/^retry: \d{4,5}\n\n$/);

async function isRefused(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

describe('drain (T32)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it(`by SIGTERM finishes ${CALLS} calls, says goodbye on ${STREAMS} streams, and ends in time`, async () => {
    const upstream = await startScriptedUpstream(answer);
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({
      upstreamPort: upstream.port,
      timeouts: { drain: `${CEILING}s` },
    });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    const { port, ca } = gateway;
    await fleet.open({ port, ca, streams: STREAMS / 2 });
    await fleet.open({ port, ca, streams: STREAMS / 2, era: 'modern' });
    const farewells = await openWitnesses(gateway);
    const calls = await startCalls(gateway);
    await until(() => upstream.requests.length === STREAMS + WITNESSES + CALLS, 5 * SECOND);
    const start = performance.now();
    gateway.signal('SIGTERM');
    await until(async () => (await fleet.report()).running === 0, SECOND);
    const goodbye = performance.now() - start;
    expect(await fleet.report()).toMatchObject({
      running: 0,
      torn: 0,
      dropped: { 'the answer ended': STREAMS },
    });
    expect(await isRefused(port)).toBe(true);
    for (const { id, call } of calls) {
      const { status, isWhole, body } = await call.outcome;
      expect({ status, isWhole, body: JSON.parse(body) as unknown }, id).toEqual({
        status: 200,
        isWhole: true,
        body: { jsonrpc: '2.0', id, result: {} },
      });
    }
    const code = await gateway.exited;
    const took = performance.now() - start;
    expect(await farewells()).toEqual({
      'legacy-h1': retry,
      'legacy-h2': retry,
      'modern-h1': complete,
      'modern-h2': complete,
    });
    expect({ exitCode: code, complaints: gateway.complaints }).toEqual(endedWell);
    expect(took).toBeLessThan(CEILING * SECOND);
    cases += CALLS + STREAMS;
    figures['calls finished'] = `${CALLS} of ${CALLS}, ${STEP / SECOND} to ${(CALLS * STEP) / SECOND} s`;
    figures['streams with a goodbye'] = `${STREAMS} of ${STREAMS} after ${goodbye.toFixed(0)} ms`;
    figures['ended after'] = `${(took / SECOND).toFixed(1)} s (at most ${CEILING})`;
  });

  it('ends a call that never ends with an error at the ceiling', async () => {
    const upstream = await startScriptedUpstream(answer);
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({ upstreamPort: upstream.port, timeouts: { drain: '2s' } });
    const { gateway } = rig;
    const call = await startCall(gateway, { era: 'modern', protocol: 'h1', id: 'call-never' });
    await upstream.next();
    const start = performance.now();
    gateway.signal('SIGTERM');
    const { status, body } = await call.outcome;
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ id: 'call-never', error: { data: { reason: 'E_DRAINING' } } });
    expect(await gateway.exited).toBe(0);
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(1.9 * SECOND);
    expect(took).toBeLessThan(4 * SECOND);
    cases++;
  });

  it.each(protocols)('by a second SIGTERM is over within 2 s, over %s', async (protocol) => {
    const upstream = await startScriptedUpstream(answer);
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({ upstreamPort: upstream.port, timeouts: { drain: '10m' } });
    const { gateway } = rig;
    const call = await startCall(gateway, { era: 'legacy', protocol, id: 'call-never' });
    await upstream.next();
    gateway.signal('SIGTERM');
    await until(() => isRefused(gateway.port), 5 * SECOND);
    const start = performance.now();
    gateway.signal('SIGTERM');
    const { status, body } = await call.outcome;
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ id: 'call-never', error: { data: { reason: 'E_DRAINING' } } });
    expect(await gateway.exited).toBe(0);
    const took = performance.now() - start;
    expect(took).toBeLessThan(2 * SECOND);
    figures[`second SIGTERM, ${protocol}`] = `${took.toFixed(0)} ms`;
    cases++;
  });

  it('control: a gateway that is killed loses its calls and tears its streams', async () => {
    const upstream = await startScriptedUpstream(answer);
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({ upstreamPort: upstream.port });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    await fleet.open({ port: gateway.port, ca: gateway.ca, streams: 20 });
    const calls = await startCalls(gateway);
    await until(() => upstream.requests.length === 20 + CALLS, 5 * SECOND);
    gateway.signal('SIGKILL');
    const outcomes = await Promise.all(calls.map(({ call }) => call.outcome));
    const lost = outcomes.filter(({ isWhole }) => !isWhole).length;
    await until(async () => (await fleet.report()).running === 0, SECOND);
    const { dropped } = await fleet.report();
    expect(lost).toBeGreaterThan(CALLS - 3);
    expect(dropped['the answer ended']).toBeUndefined();
    control = `SIGKILL: ${lost} of ${CALLS} calls lost, 0 of 20 streams with a goodbye`;
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T32', title: 'drain', cases, failures, figures, control });
  });
});
