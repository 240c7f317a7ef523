import { describe, expect, it } from 'vitest';
import type { ConcurrencyConfig, RateConfig } from '../../src/config/config.ts';
import { buildKeys } from '../support/keys.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import { answerJson, eventStreamHead } from '../support/scripted-upstream.ts';

const { key, auth } = buildKeys('laptop');
const fields = `Authorization: Bearer ${key}\r\n`;
const answer = answerJson('{}');
const everywhere = { routes: [], tools: [] };
const perCaller: RateConfig = { per: 'principal', requests: 2, within: 60_000, ...everywhere };
const perAddress: RateConfig = { per: 'address', requests: 2, within: 60_000, ...everywhere };

describe('rates', () => {
  it('answer 429 with Retry-After and an error for the request', async () => {
    await using rig = await startRig({ answer, auth, changes: { limits: { rates: [perCaller] } } });
    const call = buildPost(buildCall({ id: 7 }), { fields });
    for (let turn = 0; turn < 2; turn++) expect((await rig.ask(call)).status).toBe(200);
    const refused = await rig.ask(call);
    expect(refused.status).toBe(429);
    expect(Number(refused.field('retry-after'))).toBeGreaterThanOrEqual(29);
    expect(JSON.parse(refused.body)).toMatchObject({ id: 7, error: { data: { reason: 'E_RATE_LIMITED' } } });
    expect(rig.upstream.requests).toHaveLength(2);
  });

  it('guessing: an address is stopped before its keys are looked at', async () => {
    await using rig = await startRig({ answer, auth, changes: { limits: { rates: [perAddress] } } });
    const guess = buildPost(buildCall(), { fields: 'Authorization: Bearer wrong\r\n' });
    for (let turn = 0; turn < 2; turn++) expect((await rig.ask(guess)).status).toBe(401);
    expect((await rig.ask(guess)).status).toBe(429);
    expect((await rig.ask(buildPost(buildCall(), { fields }))).status).toBe(429);
  });

  it('batch-hiding: a batch costs what its calls would cost one by one', async () => {
    const perTool: RateConfig = { ...perCaller, per: 'tool', requests: 3 };
    const named: RateConfig = { ...perCaller, requests: 3, tools: ['echo'] };
    const calls = (count: number): string =>
      buildPost(`[${Array.from({ length: count }, (_, id) => buildCall({ id })).join(',')}]`, { fields });
    for (const rate of [perTool, named]) {
      await using rig = await startRig({ answer, auth, changes: { limits: { rates: [rate] } } });
      const refused = await rig.ask(calls(4));
      expect(refused.status).toBe(429);
      expect(Number(refused.field('retry-after'))).toBeGreaterThan(0);
      expect(JSON.parse(refused.body)).toMatchObject({ error: { data: { reason: 'E_RATE_LIMITED' } } });
      expect((await rig.ask(calls(2))).status).toBe(200);
      expect((await rig.ask(calls(2))).status).toBe(429);
      expect((await rig.ask(calls(1))).status).toBe(200);
      expect((await rig.ask(buildPost(buildCall(), { fields }))).status).toBe(429);
      expect(rig.upstream.requests).toHaveLength(2);
    }
  });

  it('control: without rates nothing is refused', async () => {
    await using rig = await startRig({ answer, auth });
    const call = buildPost(buildCall(), { fields });
    for (let turn = 0; turn < 5; turn++) expect((await rig.ask(call)).status).toBe(200);
  });
});

describe('concurrency', () => {
  it('batch-hiding: counts each call of a batch until the answer has come', async () => {
    const limit: ConcurrencyConfig = { per: 'tool', calls: 2, streams: undefined, routes: [] };
    await using rig = await startRig({ answer, auth, changes: { limits: { concurrency: [limit] } } });
    const batch = (count: number): string =>
      buildPost(`[${Array.from({ length: count }, (_, id) => buildCall({ id })).join(',')}]`, { fields });
    expect((await rig.ask(batch(3))).status).toBe(429);
    for (let turn = 0; turn < 3; turn++) expect((await rig.ask(batch(2))).status).toBe(200);
    expect(rig.upstream.requests).toHaveLength(3);
  });

  it('counts streams until they end', async () => {
    const limit: ConcurrencyConfig = { per: 'principal', calls: undefined, streams: 1, routes: [] };
    await using rig = await startRig({
      answer: ({ socket }) => socket.write(eventStreamHead),
      auth,
      changes: { limits: { concurrency: [limit] } },
    });
    const first = await rig.connect();
    first.send(buildGet({ fields }));
    await first.until((text) => text.includes('text/event-stream'));
    expect((await rig.ask(buildGet({ fields }))).status).toBe(429);
    first.reset();
    await expect.poll(() => rig.gateway.gateway.load.exchanges).toBe(0);
    const next = await rig.connect();
    next.send(buildGet({ fields }));
    await next.until((text) => text.includes('text/event-stream'));
  });
});
