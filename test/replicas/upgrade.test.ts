import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createTestCertificate } from '../support/certificates.ts';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { answerJson, eventStreamHead, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { startSteadyCaller } from '../support/steady-caller.ts';
import { until } from '../support/until.ts';
import { askGateway, askStatus, waitForWorkers } from './status.ts';
import { startReturningStreams } from './returning-streams.ts';

const UPGRADES = isFullRun ? 20 : 3;
const STREAMS = 300;
const CALLS_PER_SECOND = 200;
/** Streams come back over ten seconds, and the next upgrade must not find them on their way. */
const BACK_MILLISECONDS = 15_000;

describe('upgrade (T6)', () => {
  let refused = 0;

  it('control: a gateway that is stopped for another one refuses calls meanwhile', async () => {
    const upstream = await startScriptedUpstream(
      answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'),
    );
    const gateway = await startGatewayProcess({ upstreamPort: upstream.port, timeouts: { drain: '1s' } });
    const caller = await startSteadyCaller({ ...gateway, perSecond: CALLS_PER_SECOND });
    expect(await gateway.stop()).toBe(0);
    await until(() => false, 1000);
    const { failures } = await caller.stop();
    await caller[Symbol.asyncDispose]();
    refused = Object.values(failures).reduce((sum, count) => sum + count, 0);
    expect(refused).toBeGreaterThan(CALLS_PER_SECOND / 2);
    await gateway.clean();
    await upstream.stop();
  });

  it(
    `${UPGRADES} times under ${STREAMS} streams and ${CALLS_PER_SECOND} calls a second`,
    async () => {
      const upstream = await startScriptedUpstream((request) => {
        if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
        else answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')(request);
      });
      const gateway = await startGatewayProcess({
        upstreamPort: upstream.port,
        config: { workers: 2 },
        limits: { connections: 4000 },
        timeouts: { drain: '10s' },
      });
      await waitForWorkers(gateway, 2);
      const pids = new Set((await askStatus(gateway)).workers.map(({ pid }) => pid));
      const streams = await startReturningStreams(gateway, STREAMS);
      const caller = await startSteadyCaller({ ...gateway, perSecond: CALLS_PER_SECOND });
      let most = 0;
      for (let round = 0; round < UPGRADES; round++) {
        const begun = performance.now();
        expect(await askGateway(gateway, '/upgrade')).toEqual({ ok: true, diagnostics: [] });
        const workers = (await askStatus(gateway)).workers.filter(({ state }) => state === 'running');
        expect(workers).toHaveLength(2);
        for (const { pid } of workers) {
          expect(pids.has(pid)).toBe(false);
          pids.add(pid);
        }
        const areBack = (): boolean => streams.returns.length === (round + 1) * STREAMS;
        await until(areBack, BACK_MILLISECONDS);
        expect(streams.running).toBe(STREAMS);
        for (let from = begun; from < performance.now(); from += 1000) {
          most = Math.max(most, streams.returns.filter((at) => at >= from && at < from + 1000).length);
        }
      }
      const calls = await caller.stop();
      await caller[Symbol.asyncDispose]();
      expect(streams.failures).toEqual([]);
      expect(streams.returns).toHaveLength(UPGRADES * STREAMS);
      expect(streams.longestAbsence).toBeLessThan(15_000);
      expect(most / STREAMS).toBeLessThan(0.2);
      expect(calls.failures).toEqual({});
      const { longestAbsence } = streams;
      await streams[Symbol.asyncDispose]();
      expect(await gateway.stop()).toBe(0);
      expect(gateway.complaints).toBe('');
      await gateway.clean();
      await upstream.stop();
      recordEvidence({
        id: 'T6',
        title: 'upgrade under load',
        cases: UPGRADES,
        failures: 0,
        figures: {
          'calls answered, none failed': calls.answered,
          'call p99': `${calls.p99.toFixed(0)} ms`,
          'streams that came back': UPGRADES * STREAMS,
          'longest absence of a stream': `${(longestAbsence / 1000).toFixed(1)} s (at most 15)`,
          'most that came back in a second': `${((100 * most) / STREAMS).toFixed(0)} % (at most 20)`,
        },
        control: `${refused} calls of a second were refused while a gateway was stopped for another one`,
      });
    },
    60_000 + UPGRADES * 2 * BACK_MILLISECONDS,
  );

  it('that does not start leaves the workers before, and says why', async () => {
    const upstream = await startScriptedUpstream(
      answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'),
    );
    const gateway = await startGatewayProcess({ upstreamPort: upstream.port, config: { workers: 2 } });
    await waitForWorkers(gateway, 2);
    const { cert, key } = await createTestCertificate();
    await gateway.writeFile('own.pem', cert);
    await gateway.writeFile('own-key.pem', key);
    const files = { cert: `${gateway.stateDir}/own.pem`, key: `${gateway.stateDir}/own-key.pem` };
    await gateway.rewriteConfig({ workers: 2, tls: files });
    expect(await gateway.reload()).toMatchObject({ ok: true });
    const caller = await startSteadyCaller({ port: gateway.port, ca: cert, perSecond: 50 });
    const pids = (await askStatus(gateway)).workers.map(({ pid }) => pid);
    await rm(files.key);
    expect(await askGateway(gateway, '/upgrade')).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'E_TLS_UNREADABLE' }],
    });
    await waitForWorkers(gateway, 2);
    expect((await askStatus(gateway)).workers.map(({ pid }) => pid)).toEqual(pids);
    const { failures } = await caller.stop();
    await caller[Symbol.asyncDispose]();
    expect(failures).toEqual({});
    expect(await gateway.stop()).toBe(0);
    await gateway.clean();
    await upstream.stop();
  });
});
