import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { malformedRequests } from '../../support/malformed-requests.ts';
import { buildCall } from '../../support/messages.ts';
import { buildPost } from '../../support/raw-client.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import { startNaiveForwarder } from '../smuggling/naive-forwarder.ts';
import { Exchanger } from '../smuggling/exchange.ts';
import { exchange, type AdvisoryRig } from './advisory-case.ts';
import { buildHttpCases } from './http-cases.ts';
import { buildHttp2Cases } from './http2-cases.ts';
import { refusedRequests } from './refused-requests.ts';
import { buildTlsCases } from './tls-cases.ts';

const cases = [...buildHttpCases(), ...buildHttp2Cases(), ...buildTlsCases()];
const plainAnswer = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');

describe('T15: holes of Node and undici, as far as they could show here', () => {
  let rig: AdvisoryRig;
  let passed = 0;
  let forwarded = 0;

  beforeAll(async () => {
    const upstream = await startScriptedUpstream((request) => rig.answer(request));
    const gateway = await startGatewayProcess({ upstreamPort: upstream.port });
    rig = { gateway, upstream, answer: plainAnswer };
  });
  beforeEach(() => {
    rig.answer = plainAnswer;
  });
  afterAll(async () => {
    await rig.gateway.clean();
    await rig.upstream.stop();
    recordEvidence({
      id: 'T15',
      title: 'regressions of published advisories',
      cases: cases.length,
      failures: cases.length - passed,
      figures: {
        advisories: new Set(cases.map(({ cve }) => cve)).size,
        'malformed requests in the parser table': malformedRequests.length,
      },
      control: `a forwarder that refuses nothing passes ${forwarded} of ${refusedRequests.length} malformed requests on`,
    });
  });

  it('35 cases and more, no two alike', () => {
    expect(cases.length).toBeGreaterThanOrEqual(35);
    expect(new Set(cases.map(({ cve, name }) => `${cve} ${name}`)).size).toBe(cases.length);
  });

  it.each(cases)('$cve: $name', async ({ run }) => {
    await run(rig);
    rig.answer = plainAnswer;
    expect((await exchange(rig, buildPost(buildCall()))).answers[0]?.status, 'the next client').toBe(200);
    expect(rig.gateway.complaints).toBe('');
    passed++;
  });

  it('the gateway has lived through all of it, and ends in order', async () => {
    expect(await rig.gateway.stop()).toBe(0);
  });

  it('control: a forwarder that refuses nothing passes them on', async () => {
    await using forwarder = await startNaiveForwarder({ upstreamPort: rig.upstream.port });
    const exchanger = new Exchanger(forwarder);
    for (const { bytes } of refusedRequests) {
      const before = rig.upstream.bytes.length;
      await exchanger.run({ bytes, until: 1, patience: 300 });
      if (rig.upstream.bytes.length > before) forwarded++;
    }
    expect(forwarded).toBeGreaterThan(refusedRequests.length / 2);
  });
});
