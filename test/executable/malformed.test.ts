import { expect, it } from 'vitest';
import { expectVerdict, malformedRequests } from '../support/malformed-requests.ts';
import { answerJson } from '../support/scripted-upstream.ts';
import { startFront } from './front.ts';

it('the 76 malformed requests have the verdicts they have on Node', { timeout: 60_000 }, async () => {
  const { gateway, upstream } = await startFront({ answer: answerJson('{}'), config: { hosts: ['a'] } });
  expect(malformedRequests).toHaveLength(76);
  for (const entry of malformedRequests) await expectVerdict(entry, gateway, upstream);
  expect(upstream.bytes.split(' HTTP/1.1\r\nhost: 127.0.0.1:')).toHaveLength(upstream.requests.length + 1);
  expect(gateway.complaints).toBe('');
});

it('control: a good request that the table would have refused is noticed', async () => {
  const { gateway, upstream } = await startFront({ answer: answerJson('{}'), config: { hosts: ['a'] } });
  const raw = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  await expectVerdict({ name: 'good', raw, gateway: 'accept' }, gateway, upstream);
  const wrong = expectVerdict({ name: 'good', raw, gateway: 'reject with 400 and close' }, gateway, upstream);
  await expect(wrong).rejects.toThrow('to include 200');
});
