import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFinalAnswers } from '../../support/answers.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { buildKeys } from '../../support/keys.ts';
import {
  answerJson,
  startScriptedUpstream,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { Exchanger, type Party } from '../smuggling/exchange.ts';
import { startNaiveForwarder } from '../smuggling/naive-forwarder.ts';
import { buildDeniedCases, targets, toCall, toTool, type DeniedCase } from './denied-cases.ts';
import { findReaders } from './lenient-readers.ts';

const cases = buildDeniedCases();
const { key, sha256 } = buildKeys('ci');
const rules = [
  { deny: ['delete_all'] },
  { deny: true, prompts: ['delete_one'] },
  { deny: true, resources: ['file:///b'] },
  { allow: true },
];

interface Trial {
  readonly entry: DeniedCase;
  readonly status: number | undefined;
  readonly forwarded: readonly ReceivedRequest[];
}

function toRequest({ fields, body }: Pick<DeniedCase, 'fields' | 'body'>): string {
  const type = /content-type/i.test(fields) ? '' : 'Content-Type: application/json\r\n';
  return (
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n${type}${fields}` +
    `Content-Length: ${body.length}\r\n\r\n${body.toString('latin1')}`
  );
}

async function play(party: Party, upstream: ScriptedUpstream): Promise<Trial[]> {
  const exchanger = new Exchanger(party);
  const trials: Trial[] = [];
  for (const entry of cases) {
    const before = upstream.requests.length;
    const { received } = await exchanger.run({ bytes: toRequest(entry), until: 1, patience: 10_000 });
    const [answer] = readFinalAnswers(received);
    trials.push({ entry, status: answer?.status, forwarded: upstream.requests.slice(before) });
  }
  return trials;
}

/** The trials in which a denied call ran, with those who ran it. */
function findRun(trials: readonly Trial[]): readonly string[] {
  const sent = trials.flatMap(({ entry, forwarded }) => forwarded.map((request) => ({ entry, request })));
  const readers = findReaders(
    sent.map(({ request: { head, body } }) => ({
      fields: head.slice(head.indexOf('\r\n') + 2),
      body: Buffer.from(body, 'latin1'),
    })),
  );
  return sent.flatMap(({ entry }, at) =>
    readers[at]?.length === 0 ? [] : [`${entry.name}: ${readers[at]?.join(', ')}`],
  );
}

describe(`T12 with rules: ${cases.length} ways to have a denied call run`, () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  let run: readonly string[] = [];
  const figures: Record<string, number> = {};
  let control = '';

  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":7,"result":{}}'));
    gateway = await startGateway({ rules });
  });
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
    recordEvidence({
      id: 'T12-rules',
      title: 'a denied call never runs, however it is written',
      cases: cases.length,
      failures: run.length,
      figures,
      control,
    });
  });

  function startGateway(changes: Readonly<Record<string, unknown>>): Promise<GatewayProcess> {
    const target = `http://127.0.0.1:${upstream.port}/mcp`;
    const auth = { keys: [{ name: 'ci', sha256 }] };
    return startGatewayProcess({
      upstreamPort: upstream.port,
      config: { routes: [{ path: '/mcp', upstream: target, auth, ...changes }] },
    });
  }

  it('has more than 200 cases, each of them another one', () => {
    expect(cases.length).toBeGreaterThanOrEqual(200);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(new Set(cases.map(toRequest)).size).toBe(cases.length);
  });

  it('no server runs it: neither one that reads by JSON.parse nor one that takes more', async () => {
    const trials = await play(gateway, upstream);
    run = findRun(trials);
    expect(run).toEqual([]);
    // What says plainly what it wants is denied, and not for its form.
    const plain = trials.filter(({ entry }) => entry.name.endsWith(': as it is'));
    expect(plain.map(({ status }) => status)).toEqual(targets.map(() => 403));
    for (const status of [200, 400, 403, 415])
      figures[`answered ${status}`] = trials.filter((trial) => trial.status === status).length;
    expect(trials.filter(({ status }) => ![200, 400, 403, 415].includes(status ?? 0))).toEqual([]);
    expect(gateway.complaints).toBe('');
  });

  it('repeated-head: behind allowed calls with the very same head', async () => {
    const exchanger = new Exchanger(gateway);
    for (const target of targets) {
      const [good, evil] = [target.allowed, target.denied].map((name) =>
        toRequest({ fields: '', body: Buffer.from(toCall(target, name)) }),
      );
      upstream.forget();
      const bytes = `${good}${good}${good}${evil}${good}${evil}`;
      const { received } = await exchanger.run({ bytes, until: 6, patience: 10_000 });
      expect(readFinalAnswers(received).map(({ status }) => status)).toEqual([200, 200, 200, 403, 200, 403]);
      expect(upstream.requests.map(({ body }) => toTool(JSON.parse(body)))).toEqual(
        Array.from({ length: 4 }, () => 'allowed'),
      );
    }
  });

  it('control: without rules the calls run that are well-formed, without a gateway nearly all', async () => {
    const open = await startGateway({});
    upstream.forget();
    const byGateway = findRun(await play(open, upstream));
    await open.clean();
    await using forwarder = await startNaiveForwarder({ upstreamPort: upstream.port });
    upstream.forget();
    const byForwarder = findRun(await play(forwarder, upstream));
    control = `without rules ${byGateway.length} run, behind a proxy that does not look ${byForwarder.length}`;
    expect(byGateway.length).toBeGreaterThan(40);
    expect(byGateway.filter((text) => /(?:charset|form)-smuggling/.test(text))).toEqual([]);
    expect(byForwarder.length).toBeGreaterThanOrEqual(200);
    const readers = byForwarder.join('\n');
    for (const reader of [
      'JSON.parse',
      'first',
      'letter case',
      'charset',
      'form',
      'header',
      'decompressed',
      'NUL',
    ])
      expect(readers).toContain(reader);
  });
});
