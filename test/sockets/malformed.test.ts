import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { expectVerdict, malformedRequests as corpus } from '../support/malformed-requests.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

describe('the 76 malformed requests, over TLS, before a recording upstream', () => {
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    gateway = await startTestGateway({ upstreamPort: upstream.port, changes: { hosts: ['a'] } });
  });
  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  it('the corpus is whole', () => expect(corpus).toHaveLength(76));

  it.each(corpus)('$name: $gateway', async (entry) => {
    await expect(expectVerdict(entry, gateway, upstream)).resolves.toBeUndefined();
  });

  it('nothing but whole canonical requests ever reached the upstream', () => {
    expect(upstream.requests.length).toBeGreaterThan(5);
    expect(upstream.bytes.split(' HTTP/1.1\r\nhost: 127.0.0.1:')).toHaveLength(upstream.requests.length + 1);
  });
});
