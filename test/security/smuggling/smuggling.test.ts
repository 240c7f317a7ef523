import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import {
  startScriptedUpstream,
  type Answer,
  type ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { percentile } from '../../support/percentile.ts';
import { buildCorpus } from './corpus.ts';
import { startNaiveForwarder } from './naive-forwarder.ts';
import { runCorpus, type CorpusResult } from './run-corpus.ts';
import { toEcho } from './verdict.ts';

/** Every one of these cases goes through the control, which waits in vain for many of them. */
const CONTROL_STEP = 10;
const corpus = buildCorpus();

const echo: Answer = ({ head, body, socket }) => {
  const text = toEcho(head, body);
  socket.write(
    Buffer.from(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      'latin1',
    ),
  );
};

const mixedUp = /^an answer to another request$/;
const miscounted = /requests at the upstream/;

/** Connections with a fault of one kind. */
function countFaults({ failures }: CorpusResult, kind: RegExp): number {
  return failures.filter(({ faults }) => faults.some((fault) => kind.test(fault))).length;
}

describe('T1: request-smuggling corpus over TLS, before a recording upstream', () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  let result: CorpusResult;
  let control: CorpusResult;

  beforeAll(async () => {
    upstream = await startScriptedUpstream(echo);
    gateway = await startGatewayProcess({ upstreamPort: upstream.port });
    result = await runCorpus({ cases: corpus, party: gateway, upstream, patience: 15_000 });
  }, 400_000);
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
    if (result === undefined || control === undefined) return;
    recordEvidence({
      id: 'T1',
      title: 'request smuggling, each case before and after a good request',
      cases: corpus.length,
      failures: new Set(result.failures.map(({ name }) => name)).size,
      figures: {
        connections: corpus.length * 3,
        'malformed refused with 4xx and closed within 1 s': `${result.refusedInTime} of ${result.malformed}`,
        'requests at the recorder': result.reached,
        'answers 200': result.accepted,
        'next clients served': `${result.nextClientsServed} of ${corpus.length}`,
        'refusal p99': `${Math.round(percentile(result.refusalTimes, 0.99))} ms`,
        'slowest refusal': `${Math.round(result.refusalTimes.at(-1) ?? 0)} ms`,
      },
      control: `through a forwarder that trusts the last Content-Length, ${countFaults(control, mixedUp)} connections of ${Math.ceil(corpus.length / CONTROL_STEP)} cases got an answer to another request and ${countFaults(control, miscounted)} another number of requests to the upstream`,
    });
  });

  it('nothing ambiguous reaches the upstream, and each answer is that of its own request', () => {
    expect(result.failures.slice(0, 20)).toEqual([]);
    expect(result.strayBytes).toBe(0);
  });

  it('as many requests arrive as were accepted and as were answered', async () => {
    expect(result.reached).toBe(result.accepted);
    expect(result.reached).toBeGreaterThan(2 * corpus.length);
    expect(await gateway.stop()).toBe(0);
    const lines = await gateway.readAccessLog();
    const accepted = lines.filter((line) => line.includes('"upstream_status":200'));
    expect(accepted).toHaveLength(result.reached);
  });

  it('at least 99 of 100 malformed ones are answered 4xx and closed within a second', () => {
    expect(result.malformed).toBeGreaterThan(corpus.length);
    expect(result.refusedInTime / result.malformed).toBeGreaterThanOrEqual(0.99);
  });

  it('the next client always gets its own answer, and nothing crashed or complained', () => {
    expect(result.nextClientsServed).toBe(corpus.length);
    expect(gateway.complaints).toBe('');
  });

  it('control: a forwarder that trusts the last Content-Length does not pass', async () => {
    await using forwarder = await startNaiveForwarder({ upstreamPort: upstream.port });
    upstream.forget();
    const cases = corpus.filter(({ index }) => index % CONTROL_STEP === 0);
    control = await runCorpus({ cases, party: forwarder, upstream, patience: 300 });
    expect(countFaults(control, mixedUp)).toBeGreaterThan(50);
    expect(countFaults(control, miscounted)).toBeGreaterThan(50);
    expect(control.nextClientsServed).toBeLessThan(cases.length);
    expect(control.refusedInTime).toBe(0);
  });
});
