import { describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { startLoadClient } from '../../support/load-client.ts';
import type { LoadReport } from '../../support/load-client-protocol.ts';
import { countSockets } from '../../support/process-meter.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { runSlowClients } from './slow-clients.ts';
import { runSlowProgram } from './slow-program.ts';
import { slowKinds, type SlowFigures, type SlowKind, type SlowReport } from './slow-protocol.ts';

const MOST_LIFE_MILLISECONDS = 12_000;
const PATIENCE_MILLISECONDS = 16_000;
const MOST_P99_MILLISECONDS = 500;
const PER_SECOND = 200;
/** Longest time of the large run: on a busy machine connections are made more slowly. */
const RUN_MILLISECONDS = 300_000;
/** Listening socket, upstream connections and the pipes to the test. */
const OWN_SOCKETS = 24;

const perKind = isFullRun ? 2000 : 500;
const counts: Readonly<Record<SlowKind, number>> = {
  'no-hello': perKind,
  silent: perKind,
  'slow-head': perKind,
  'slow-body': perKind,
  'h2-idle': perKind / 4,
  'h2-slow-head': perKind / 4,
  'h2-slow-body': perKind / 4,
};
const total = Object.values(counts).reduce((before, count) => before + count, 0);

interface Scene extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly gateway: GatewayProcess;
}

async function startScene(
  options: Omit<Parameters<typeof startGatewayProcess>[0], 'upstreamPort'>,
): Promise<Scene> {
  const upstream = await startScriptedUpstream(answerJson('{}'));
  const gateway = await startGatewayProcess({ upstreamPort: upstream.port, ...options });
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.clean();
      await upstream.stop();
    },
  };
}

/** Does something while a normal client calls and the gateway's sockets are counted. */
async function watchWhile<T>(
  { pid, port, ca }: GatewayProcess,
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly calls: LoadReport; readonly mostSockets: number }> {
  await using others = await startLoadClient({ port, ca, callsPerSecond: 20, freshShare: 0.1 });
  let mostSockets = 0;
  const count = setInterval(() => (mostSockets = Math.max(mostSockets, countSockets(pid))), 200);
  const result = await run().finally(() => clearInterval(count));
  return { result, calls: await others.stop(), mostSockets };
}

describe('slow-clients (A6)', () => {
  let control: SlowReport = {};
  let capped = 0;

  it('control: with time-outs of an hour the same clients are not cut', async () => {
    const timeouts = { handshake: '1h', head: '1h', body: '1h', idle: '1h' };
    await using scene = await startScene({ timeouts });
    const { port, ca } = scene.gateway;
    const few = Object.fromEntries(slowKinds.map((kind) => [kind, 20]));
    control = await runSlowClients({ port, ca, counts: few, perSecond: PER_SECOND, patience: 13_000 });
    const untouched: SlowFigures = { opened: 20, cut: 0, refused: 0, longest: 0 };
    expect(control).toEqual(Object.fromEntries(slowKinds.map((kind) => [kind, untouched])));
  });

  it('connections over the cap are refused, and those within it are served', async () => {
    const cap = 100;
    await using scene = await startScene({ limits: { connections: cap } });
    const { port, ca } = scene.gateway;
    const { result, calls, mostSockets } = await watchWhile(scene.gateway, () =>
      runSlowClients({ port, ca, counts: { silent: 2 * cap }, perSecond: PER_SECOND, patience: 3000 }),
    );
    capped = mostSockets;
    expect(mostSockets).toBeLessThanOrEqual(cap + OWN_SOCKETS);
    expect(result.silent?.refused).toBeGreaterThanOrEqual(cap);
    // Calls on a fresh connection are refused like the flood; the one that was there goes on.
    expect(calls.calls).toBeGreaterThan(0);
    expect(calls.p99).toBeLessThan(MOST_P99_MILLISECONDS);
    expect(scene.gateway.complaints).toBe('');
  });

  it(`slowhttptest, slow headers and slow bodies: all closed in time, its probes are served`, async ({
    skip,
  }) => {
    await using scene = await startScene({});
    const url = `https://localhost:${scene.gateway.port}/mcp`;
    const run = (mode: 'headers' | 'body'): ReturnType<typeof runSlowProgram> =>
      runSlowProgram({ mode, url, connections: 200, perSecond: 100, seconds: 40 });
    const results = await Promise.all([run('headers'), run('body')]).catch((error: unknown) => {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (isMissing && process.env['CI'] === undefined) skip('slowhttptest is not installed');
      throw error;
    });
    for (const { output, endedAt, allClosed, available } of results) {
      expect({ allClosed, available }, output).toEqual({ allClosed: true, available: true });
      // Two seconds for its connections, and its own clock is coarse; without time-outs it goes on to the end.
      expect(endedAt).toBeLessThanOrEqual(MOST_LIFE_MILLISECONDS / 1000 + 6);
    }
    expect(scene.gateway.complaints).toBe('');
  });

  it(
    `${total} connections of ${slowKinds.length} kinds: each is cut within 12 seconds, and calls of others go on`,
    async () => {
      const cap = total + 100;
      await using scene = await startScene({ limits: { connections: cap } });
      const { gateway } = scene;
      const { port, ca, pid } = gateway;
      const before = countSockets(pid);
      const { result, calls, mostSockets } = await watchWhile(gateway, () =>
        runSlowClients({ port, ca, counts, perSecond: PER_SECOND, patience: PATIENCE_MILLISECONDS }),
      );
      const wrong = slowKinds.filter((kind) => {
        const { cut = 0, longest = Infinity } = result[kind] ?? {};
        return cut !== counts[kind] || longest > MOST_LIFE_MILLISECONDS;
      });
      expect(wrong, JSON.stringify(result)).toEqual([]);
      expect(calls.failures).toEqual({});
      expect(calls.p99).toBeLessThan(MOST_P99_MILLISECONDS);
      expect(mostSockets).toBeLessThanOrEqual(cap + OWN_SOCKETS);
      await expect.poll(() => countSockets(pid), { timeout: 5000 }).toBeLessThanOrEqual(before + OWN_SOCKETS);
      expect(gateway.complaints).toBe('');
      const lives = slowKinds.map((kind) => [`longest ${kind}`, toSeconds(result[kind]?.longest)] as const);
      recordEvidence({
        id: 'T11',
        title: 'Slow clients',
        cases: total,
        failures: total - sum(result, 'cut'),
        figures: {
          ...Object.fromEntries(lives),
          'calls of others': calls.calls,
          'their p99': `${Math.round(calls.p99)} ms`,
          'most sockets at once': mostSockets,
          'most sockets under a cap of 100': capped,
        },
        control: `with time-outs of an hour ${sum(control, 'cut')} of ${sum(control, 'opened')} were cut after 13 s`,
      });
    },
    RUN_MILLISECONDS,
  );
});

function toSeconds(milliseconds = 0): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function sum(report: SlowReport, figure: 'cut' | 'opened'): number {
  return Object.values(report).reduce((before, figures) => before + figures[figure], 0);
}
