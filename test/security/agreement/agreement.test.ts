import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFinalAnswers, type ReceivedAnswer } from '../../support/answers.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import {
  answerJson,
  startScriptedUpstream,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { Exchanger } from '../smuggling/exchange.ts';
import { startNaiveForwarder } from '../smuggling/naive-forwarder.ts';
import type { AgreementCase } from './agreement-case.ts';
import { buildBodyCases } from './body-cases.ts';
import { findDifferences, readCall, type Decision } from './decision.ts';
import { buildHeaderCases } from './header-cases.ts';

const cases = [...buildHeaderCases(), ...buildBodyCases()];

/** One case, and what came of it. */
interface Trial {
  readonly entry: AgreementCase;
  readonly answer: ReceivedAnswer | undefined;
  readonly forwarded: readonly ReceivedRequest[];
}

function toRequest({ fields, body }: AgreementCase): string {
  return (
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${fields}` +
    `Content-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`
  );
}

/** Sends all cases one after the other, so that the lines of an access log are in the same order. */
async function play(exchanger: Exchanger, upstream: ScriptedUpstream): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const entry of cases) {
    const before = upstream.requests.length;
    const { received } = await exchanger.run({ bytes: toRequest(entry), until: 1, patience: 10_000 });
    trials.push({ entry, answer: readFinalAnswers(received)[0], forwarded: upstream.requests.slice(before) });
  }
  return trials;
}

describe('T12: header-body-split and json-smuggling', () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  let trials: readonly Trial[];
  let decisions: readonly Decision[];
  let different: readonly object[] = [];
  let controlCount = 0;
  let exit = -1;

  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":7,"result":{}}'));
    gateway = await startGatewayProcess({ upstreamPort: upstream.port });
    trials = await play(new Exchanger(gateway), upstream);
    exit = await gateway.stop();
    // A line is an access record as the program documents it.
    decisions = (await gateway.readAccessLog()).map((line) => JSON.parse(line) as Decision);
  });
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
    if (trials === undefined) return;
    recordEvidence({
      id: 'T12',
      title: 'header and body agree, and parsers agree on the body',
      cases: cases.length,
      failures: different.length,
      figures: {
        forwarded: trials.filter(({ forwarded }) => forwarded.length > 0).length,
        'refused with -32020': trials.filter(({ entry }) => entry.fate === 'mismatch').length,
        'refused as ambiguous or malformed': trials.filter(({ entry }) => entry.fate === 'refused').length,
      },
      control: `a forwarder that decides by the header, or by the first "method" in the text, is wrong about ${controlCount}`,
    });
  });

  it('has 200 cases and a decision on each', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(decisions).toHaveLength(cases.length);
    expect(exit).toBe(0);
    expect(gateway.complaints).toBe('');
  });

  it('the decision is always about the very call that was forwarded', () => {
    different = trials.flatMap(({ entry, forwarded }, index) => {
      const found = forwarded.flatMap((request) => findDifferences(request, entry, decisions[index]));
      return found.length === 0 ? [] : [{ name: entry.name, found }];
    });
    expect(different).toEqual([]);
  });

  it.each(cases.map(({ name, fate }, index) => ({ name, fate, index })))(
    '$name: $fate',
    ({ fate, index }) => {
      const { answer, forwarded } = trials[index] ?? {};
      expect(forwarded).toHaveLength(fate === 'passes' ? 1 : 0);
      expect(decisions[index]?.status).toBe(answer?.status);
      expect(answer?.status).toBe(fate === 'passes' ? 200 : 400);
      if (fate === 'passes') return;
      const { error } = JSON.parse(answer?.body ?? '') as { error: { code: number } }; // Errors are JSON-RPC.
      expect(fate === 'mismatch' ? [-32020] : [-32700, -32600]).toContain(error.code);
    },
  );

  it('control: deciding by the header, or by the first method in the text, is deciding about another call', async () => {
    await using forwarder = await startNaiveForwarder({ upstreamPort: upstream.port });
    const naive = await play(new Exchanger(forwarder), upstream);
    controlCount = naive.filter(({ entry, forwarded }) =>
      forwarded.some((request) => {
        const rpc =
          /\r\nMcp-Method: (.*)/i.exec(request.head)?.[1] ?? /"method":"(.*?)"/.exec(request.body)?.[1];
        const tool =
          /\r\nMcp-Name: (.*)/i.exec(request.head)?.[1] ?? /"name":"(.*?)"/.exec(request.body)?.[1];
        const isCall = readCall(entry.body)?.rpc === 'tools/call';
        return (
          findDifferences(request, entry, { status: 200, rpc, tool: isCall ? tool : undefined }).length > 0
        );
      }),
    ).length;
    expect(controlCount).toBeGreaterThan(100);
  });
});
