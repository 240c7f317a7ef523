import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { findFakeTimeLibrary } from '../support/fake-time.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { programsAreMandatory } from '../support/programs.ts';
import { answerJson, eventStreamHead, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { startSteadyCaller, type SteadyCaller } from '../support/steady-caller.ts';
import { startStreamFleet, type StreamFleet } from '../support/stream-fleet.ts';
import { until } from '../support/until.ts';

const STREAMS = 100;
const CALLS_PER_SECOND = 20;
const HEARTBEAT = 1000;
const timeouts = { heartbeat: '1s', stall: '5s', idle: '10s', head: '5s', body: '5s' };
/** Longer than every time-out that is set here, in milliseconds. */
const STOPPED = isFullRun ? 600_000 : 12_000;

const HOUR = 3600;
/** Seconds by which the wall clock is off, one after the other. */
const offsets = {
  'an hour forward': HOUR,
  'an hour back': -HOUR,
  'a leap second': 1,
  'past 2038-01-19': 15 * 365 * 24 * HOUR,
  'and right again': 0,
};

interface Scene {
  readonly gateway: GatewayProcess;
  readonly fleet: StreamFleet;
  readonly caller: SteadyCaller;
}

async function startScene(setClock?: { library: string; file: string }): Promise<Scene> {
  const upstream = await startScriptedUpstream((request) => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
    else answerJson('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')(request);
  });
  const gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    timeouts,
    limits: { connections: 2000 },
    ...(setClock === undefined ? {} : { setClock }),
  });
  const fleet = await startStreamFleet();
  onTestFinished(async () => {
    await fleet[Symbol.asyncDispose]();
    await gateway.clean();
    await upstream.stop();
  });
  expect((await fleet.open({ ...gateway, streams: STREAMS })).opened).toBe(STREAMS);
  const caller = await startSteadyCaller({ ...gateway, perSecond: CALLS_PER_SECOND });
  onTestFinished(() => caller[Symbol.asyncDispose]());
  return { gateway, fleet, caller };
}

/** Waits for further comments on all streams. */
async function beatsOn(fleet: StreamFleet): Promise<void> {
  const { comments } = await fleet.report();
  await until(async () => (await fleet.report()).comments >= comments + 2 * STREAMS, 10 * HEARTBEAT);
  const report = await fleet.report();
  expect(report).toMatchObject({ running: STREAMS, dropped: {} });
  expect(report.comments).toBeGreaterThanOrEqual(comments + 2 * STREAMS);
}

describe('clocks (T40)', () => {
  const library = findFakeTimeLibrary();
  const figures: Record<string, string | number> = {};
  let failures = 0;
  let control = '';

  it.skipIf(library === undefined && !programsAreMandatory)(
    'set by hand, by a time server, by summer time or past 2038 end no stream and no call',
    async () => {
      if (library === undefined) throw new Error('no libfaketime (Debian package faketime)');
      const directory = await mkdtemp(join(tmpdir(), 'breakwater-clock-'));
      onTestFinished(() => rm(directory, { recursive: true, force: true }));
      const file = join(directory, 'offset');
      await writeFile(file, '+0');
      const { gateway, fleet, caller } = await startScene({ library, file });
      for (const seconds of Object.values(offsets)) {
        await writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}`);
        await beatsOn(fleet);
      }
      const calls = await caller.stop();
      expect(calls.failures).toEqual({});
      figures['clock set, times'] = Object.keys(offsets).length;
      figures['calls answered meanwhile'] = calls.answered;
      // That the clock was set for the gateway is seen in its records.
      const times = (await gateway.readAccessLog()).map(
        (line) => (JSON.parse(line) as { time: number }).time,
      );
      const years = new Set(times.map((time) => new Date(time).getUTCFullYear()));
      expect(Math.max(...years) - Math.min(...years)).toBeGreaterThan(10);
      control = `its own records are dated from ${Math.min(...years)} to ${Math.max(...years)}`;
    },
  );

  it(
    `stand still for ${STOPPED / 1000} s, as on a machine that is suspended, and no stream ends by it`,
    async () => {
      const { gateway, fleet, caller } = await startScene();
      gateway.signal('SIGSTOP');
      await until(() => false, STOPPED);
      gateway.signal('SIGCONT');
      await beatsOn(fleet);
      const calls = await caller.stop();
      // Their client gives up by itself after half a minute.
      if (!isFullRun) expect(calls.failures).toEqual({});
      const { longestSilence } = await fleet.report();
      expect(longestSilence).toBeGreaterThan(STOPPED - 2 * HEARTBEAT);
      figures['stopped for'] = `${STOPPED / 1000} s, streams left ${STREAMS} of ${STREAMS}`;
      expect(await gateway.stop()).toBe(0);
      expect(gateway.complaints).toBe('');
    },
    STOPPED + 60_000,
  );

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({
      id: 'T40',
      title: 'jumps of the clock',
      cases: Object.keys(offsets).length + 1,
      failures,
      figures,
      control,
    });
  });
});
