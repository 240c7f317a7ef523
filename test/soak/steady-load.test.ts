import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isFullRun, recordEvidence } from '../support/evidence.ts';
import { isExecutable } from '../support/gateway-program.ts';
import { countLines, expectWithin, formatBounds, listBroken, type Bounds } from './bounds.ts';
import { runSteadyLoad, type SteadyOutcome } from './steady-load.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KIB = 1024;
const MIB = 1024 * KIB;

const minutes = Number(process.env['BREAKWATER_SOAK_MINUTES'] ?? (isFullRun ? 45 : 1));
/** Each look collects the garbage of thousands of streams, which stops the gateway for half a second: too rare to count among the calls. */
const load = isFullRun
  ? {
      streams: 5000,
      callsPerSecond: 50,
      lookEvery: 3 * MINUTE,
      settling: 10 * MINUTE,
      sendEvery: 50 * SECOND,
    }
  : { streams: 500, callsPerSecond: 20, lookEvery: 5 * SECOND, settling: 0, sendEvery: 20 * SECOND };

/** A runtime that has just started still settles by megabytes; the slope of an hour shows after tens of minutes. */
const SHORT_GROWTH_MIB = 8;
/** A minute has so few calls that one hiccup of a shared machine makes their p99. */
const CALL_P99 = isFullRun ? 100 : 250;
/** The heartbeat is due after 15; intermediaries that are known to cut do so after 25 or later. */
const LONGEST_SILENCE_SECONDS = 20;

function toBounds({ bytesPerStream, resident, calls, loop, fleet }: SteadyOutcome): Bounds {
  const growth = resident.growth / MIB;
  return {
    ...(isFullRun
      ? { 'resident slope': { value: growth / (resident.span / HOUR), below: 1, unit: 'MiB/h' } }
      : { 'resident growth': { value: growth, below: SHORT_GROWTH_MIB, unit: 'MiB' } }),
    'memory per stream': { value: bytesPerStream / KIB, below: 160, unit: 'KiB' },
    'call p99': { value: calls.p99, below: CALL_P99, unit: 'ms' },
    ...(loop === undefined ? {} : { 'event loop p99': { value: loop.p99, below: 50, unit: 'ms' } }),
    'longest silence': { value: fleet.longestSilence / SECOND, below: LONGEST_SILENCE_SECONDS, unit: 's' },
  };
}

/** What must not happen at all. */
function countWrongs({ fleet, calls, sent, socketsLeft, complaints }: SteadyOutcome): Record<string, number> {
  return {
    'streams dropped': sum(fleet.dropped),
    'events lost': sent - fleet.events,
    'events in disorder': fleet.disorder,
    'bytes torn': fleet.torn,
    'calls failed': sum(calls.failures),
    'sockets left': socketsLeft,
    'complaints of the gateway': countLines(complaints),
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

const none = {
  'streams dropped': 0,
  'events lost': 0,
  'events in disorder': 0,
  'bytes torn': 0,
  'calls failed': 0,
  'sockets left': 0,
  'complaints of the gateway': 0,
};

describe('streams of both eras and calls at a steady rate', () => {
  const title = `${load.streams} streams and ${load.callsPerSecond} calls/s for ${minutes} minutes`;

  it(title, { timeout: (minutes + 5) * MINUTE }, async () => {
    const outcome = await runSteadyLoad({ ...load, duration: minutes * MINUTE });
    const { calls, loop, sent, fleet, looks } = outcome;
    const bounds = toBounds(outcome);
    const wrongs = countWrongs(outcome);
    recordEvidence({
      id: 'T4',
      title: `Soak in real time: ${title}, over TLS`,
      cases: load.streams + calls.answered,
      failures: sum(wrongs) + listBroken(bounds).length,
      figures: {
        ...wrongs,
        ...formatBounds(bounds),
        events: sent,
        heartbeats: fleet.comments,
        'resident at the looks': `${looks.map((bytes) => (bytes / MIB).toFixed(1)).join(', ')} MiB`,
        'call p50': `${calls.p50} ms`,
        'longest call': `${calls.longest} ms`,
        ...(loop === undefined ? {} : { 'longest delay of the event loop': `${loop.longest.toFixed(0)} ms` }),
      },
      control:
        'streams cut, a number skipped, streams that pile up and a gateway that stands still: all seen',
    });
    expect(wrongs, outcome.complaints).toEqual(none);
    expectWithin(bounds);
    expect(fleet.running).toBe(load.streams);
    expect(calls.answered).toBeGreaterThan(0.99 * load.callsPerSecond * minutes * 60);
    expect(outcome.exitCode).toBe(0);
  });

  it('control: cut streams, a skipped number, streams that pile up and a standstill are seen', async () => {
    const streams = 100;
    const outcome = await runSteadyLoad({
      streams,
      callsPerSecond: 20,
      duration: 6 * SECOND,
      lookEvery: SECOND / 2,
      settling: 0,
      sendEvery: SECOND,
      async disturb({ gateway, source, open }) {
        await source.tell({ kind: 'end', streams: 3 });
        await sleep(1.5 * SECOND);
        await source.tell({ kind: 'skip' });
        for (let round = 0; round < 6; round++) await open(100);
        gateway.signal('SIGSTOP');
        await sleep(SECOND);
        gateway.signal('SIGCONT');
      },
    });
    const wrongs = countWrongs(outcome);
    expect(wrongs['streams dropped']).toBe(3);
    expect(wrongs['events in disorder']).toBeGreaterThanOrEqual(streams - 3);
    expect(listBroken(toBounds(outcome))).toEqual(
      expect.arrayContaining([isFullRun ? 'resident slope' : 'resident growth', 'call p99']),
    );
    if (!isExecutable) expect(outcome.loop?.longest).toBeGreaterThan(SECOND / 2);
  });
});
