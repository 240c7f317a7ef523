import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { recordEvidence } from '../support/evidence.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, eventStreamHead, startScriptedUpstream, toChunk } from '../support/scripted-upstream.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';
import { endedWell, nothingLeft, startFaultRig } from './fault-rig.ts';

const SECOND = 1000;
const MIB = 1024 * 1024;
const LIMIT_MIB = 256;
const STREAMS = 200;
const FILL_SECONDS = 30;
const nodeFlags = [
  `--max-old-space-size=${LIMIT_MIB}`,
  '--import',
  fileURLToPath(new URL('heap-ballast.ts', import.meta.url)),
];

const answerCall = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

async function ask(door: { port: number; ca: string }, request: string): Promise<Answered> {
  const client = await connectRaw(door);
  client.send(request);
  const answer = await receive(client);
  client.socket.destroy();
  return { status: answer.status, retryAfter: answer.field('retry-after'), body: answer.body };
}

// The heap of the executable has no limit that could be set for a test.
describe.skipIf(isExecutable)('memory-pressure (T27)', () => {
  const figures: Record<string, string | number> = {};
  const controls: string[] = [];
  let cases = 0;
  let failures = 0;

  it('at 90 % of the heap refuses new work, keeps its streams, and takes work again', async () => {
    const streams = new Set<{ write(text: string): unknown }>();
    const upstream = await startScriptedUpstream((request) => {
      if (!request.head.startsWith('GET ')) answerCall(request);
      else {
        request.socket.write(eventStreamHead);
        streams.add(request.socket);
      }
    });
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({ upstreamPort: upstream.port, nodeFlags });
    const { gateway } = rig;
    await using fleet = await startStreamFleet();
    await fleet.open({ port: gateway.port, ca: gateway.ca, streams: STREAMS });
    const call = (): Promise<Answered> => ask(gateway, buildPost(buildCall()));
    expect(await call()).toMatchObject({ status: 200 });
    controls.push(`with ${STREAMS} streams and no pressure the call is answered with 200`);
    gateway.signal('SIGWINCH');
    const filled = await until(async () => (await call()).status === 503, FILL_SECONDS * SECOND);
    expect(filled).toBeLessThan(FILL_SECONDS * SECOND);
    // From now on until it is let go of: the heap is filled on to 90 %, and nothing more is taken.
    const refusals: Answered[] = [];
    for (let round = 0; round < 50; round++) refusals.push(await call());
    refusals.push(await ask(gateway, buildGet()));
    for (const refusal of refusals) expect(refusal).toMatchObject({ status: 503, retryAfter: '5' });
    expect(JSON.parse(refusals[0]?.body ?? '')).toMatchObject({
      error: { data: { reason: 'E_OVERLOADED' } },
    });
    const delivered = upstream.requests.filter(({ head }) => head.startsWith('POST ')).length;
    const share = (await gateway.measureHeap()) / MIB / LIMIT_MIB;
    figures['heap at its fullest'] = `${(100 * share).toFixed(0)} % of ${LIMIT_MIB} MiB`;
    figures['refused with 503 and Retry-After'] = `${refusals.length} of ${refusals.length}`;
    expect(share).toBeGreaterThan(0.88);
    const health = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    expect(await ask(gateway, health)).toMatchObject({ status: 200 });
    for (const socket of streams) socket.write(toChunk('data: 0\n\n'));
    await until(async () => (await fleet.report()).events === STREAMS, SECOND);
    expect(await fleet.report()).toMatchObject({ running: STREAMS, dropped: {}, events: STREAMS });
    expect(upstream.requests.filter(({ head }) => head.startsWith('POST '))).toHaveLength(delivered);
    gateway.signal('SIGWINCH');
    const relieved = await until(async () => (await call()).status === 200, 5 * SECOND);
    expect(relieved).toBeLessThan(5 * SECOND);
    figures['takes work again after'] = `${relieved.toFixed(0)} ms`;
    figures['streams kept'] = `${STREAMS} of ${STREAMS}`;
    cases += refusals.length + STREAMS;
    await fleet.leave('end');
    expect(await rig.leftovers()).toEqual(nothingLeft);
    expect(await rig.end()).toEqual(endedWell);
  });

  it('control: where the heap is filled to the end, the engine gives up', async () => {
    const upstream = await startScriptedUpstream(answerCall);
    await using _upstream = { [Symbol.asyncDispose]: () => upstream.stop() };
    await using rig = await startFaultRig({ upstreamPort: upstream.port, nodeFlags });
    let code: number | undefined;
    void rig.gateway.exited.then((exit) => (code = exit));
    for (let step = 0; step < 3; step++) {
      rig.gateway.signal('SIGWINCH');
      // Signals of one kind that come together are one.
      await until(() => code !== undefined, SECOND / 2);
    }
    await until(() => code !== undefined, FILL_SECONDS * SECOND);
    expect(code).toBe(-1);
    expect(rig.gateway.complaints).toContain('heap out of memory');
    controls.push('filled to the end the process ends');
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({
      id: 'T27',
      title: 'memory pressure',
      cases,
      failures,
      figures,
      control: controls.join('; '),
    });
  });
});
