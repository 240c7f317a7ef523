import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { expectVerdict, malformedRequests } from '../../support/malformed-requests.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { startNaiveForwarder } from '../smuggling/naive-forwarder.ts';

describe('T15: the 76 malformed requests, to the program itself', () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    gateway = await startGatewayProcess({ upstreamPort: upstream.port, config: { hosts: ['a'] } });
  });
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
  });

  it('the table is whole', () => expect(malformedRequests).toHaveLength(76));

  it.each(malformedRequests)('$name: $gateway', async (entry) => {
    await expect(expectVerdict(entry, gateway, upstream)).resolves.toBeUndefined();
  });

  it('ends in order, without a complaint', async () => {
    expect(await gateway.stop()).toBe(0);
    expect(gateway.complaints).toBe('');
  });

  it('control: a forwarder that refuses nothing fails on the classics', async () => {
    await using forwarder = await startNaiveForwarder({ upstreamPort: upstream.port });
    const classics = new Set([
      'TE identity,chunked',
      'dup CL same',
      'obs-fold',
      'dup host',
      'uri frag',
      'Upgrade h2c',
    ]);
    for (const entry of malformedRequests.filter(({ name }) => classics.has(name))) {
      await expect(expectVerdict(entry, forwarder, upstream), entry.name).rejects.toThrow();
    }
  });
});
