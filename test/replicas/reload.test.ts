import { describe, expect, it } from 'vitest';
import { createTestCertificate } from '../support/certificates.ts';
import { recordEvidence } from '../support/evidence.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
} from '../support/scripted-upstream.ts';
import { startSteadyCaller } from '../support/steady-caller.ts';
import { startStreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';

const RELOADS = 100;
const STREAMS = 300;
const CALLS_PER_SECOND = 200;
/** Reloads before the memory is measured for the first time: each kind of change has been made twice. */
const WARM_UP = 20;
/** What was opened for a configuration is closed so long after the next has come, in milliseconds. */
const CLOSED_AFTER = 31_000;

/** What changes from one configuration to the next; every tenth is refused. */
function change(number: number, upstream: number, certificate: object): Readonly<Record<string, unknown>> {
  const route = { path: '/mcp', upstream };
  switch (number % 10) {
    case 0:
      return { limits: { connections_per_address: 20_000 + number } };
    case 1:
      return { routes: [route, { path: `/other-${number}`, upstream: 9 }] };
    case 2:
      return { hosts: [`host-${number}.test`] };
    case 3:
      return { plain_http: '127.0.0.1:0' };
    case 4:
      return { routes: [route, { path: '/locked', upstream, auth: { keys: 'stored' } }] };
    case 5:
      return { timeouts: { drain: '2s', heartbeat: '5s', idle: `${60 + number}s` } };
    case 6:
      return { tls: certificate };
    case 7:
      return { routes: [route], no_such_setting: number };
    case 8:
      return { origins: [`https://app-${number}.example.com`] };
    default:
      return {};
  }
}

describe('reload (T5)', () => {
  it(`${RELOADS} times under ${STREAMS} streams and ${CALLS_PER_SECOND} calls a second`, async () => {
    const streams: ReceivedRequest[] = [];
    const upstream = await startScriptedUpstream((request) => {
      if (request.head.startsWith('GET ')) {
        streams.push(request);
        request.socket.write(eventStreamHead);
      } else answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')(request);
    });
    const { cert, key } = await createTestCertificate();
    const gateway = await startGatewayProcess({ upstreamPort: upstream.port, limits: { connections: 5000 } });
    const files = { cert: `${gateway.stateDir}/own.pem`, key: `${gateway.stateDir}/own-key.pem` };
    await gateway.writeFile('own.pem', cert);
    await gateway.writeFile('own-key.pem', key);
    await using fleet = await startStreamFleet();
    const door = { port: gateway.port, ca: gateway.ca + cert };
    expect((await fleet.open({ ...door, streams: STREAMS })).opened).toBe(STREAMS);
    const caller = await startSteadyCaller({ ...door, perSecond: CALLS_PER_SECOND });
    let number = 0;
    const timer = setInterval(() => {
      for (const { socket } of streams) socket.write(toChunk(`data: ${number}\n\n`));
      number++;
    }, 200);
    let refused = 0;
    let slowest = 0;
    let before = 0;
    const measure = async (): Promise<number> => {
      await until(() => false, CLOSED_AFTER);
      return gateway.measureHeap();
    };
    for (let round = 0; round < WARM_UP + RELOADS; round++) {
      if (round === WARM_UP) before = await measure();
      await gateway.rewriteConfig(change(round, upstream.port, files));
      const start = performance.now();
      const answer = await gateway.reload();
      slowest = Math.max(slowest, performance.now() - start);
      if (!answer.ok) refused++;
      expect(answer.ok, JSON.stringify(answer.diagnostics)).toBe(round % 10 !== 7);
    }
    const after = await measure();
    const calls = await caller.stop();
    clearInterval(timer);
    await until(async () => (await fleet.report()).events >= STREAMS * number);
    const report = await fleet.report();
    const growth = after / before - 1;
    expect(calls.failures).toEqual({});
    expect(report).toMatchObject({ running: STREAMS, dropped: {}, disorder: 0, torn: 0 });
    expect(report.events).toBe(STREAMS * number);
    expect(refused).toBe((WARM_UP + RELOADS) / 10);
    expect(growth).toBeLessThan(isExecutable ? 0.2 : 0.05);
    await fleet.leave('end');
    await caller[Symbol.asyncDispose]();
    expect(await gateway.stop()).toBe(0);
    // Each refusal is told, and nothing else.
    const complaints = gateway.complaints.trimEnd().split('\n');
    expect(complaints.filter((line) => !line.includes('E_CONFIG_UNKNOWN_KEY'))).toEqual([]);
    await gateway.clean();
    await upstream.stop();
    recordEvidence({
      id: 'T5',
      title: 'reload under load',
      cases: WARM_UP + RELOADS,
      failures: 0,
      figures: {
        'streams kept': STREAMS,
        'events, none lost': report.events,
        'calls answered': calls.answered,
        'call p99': `${calls.p99.toFixed(0)} ms`,
        'slowest reload': `${slowest.toFixed(0)} ms`,
        'heap after 100 further reloads': `${(growth * 100).toFixed(1)} %`,
      },
      control: `${refused} configurations with a mistake were refused, and the one before served on`,
    });
  });
});
