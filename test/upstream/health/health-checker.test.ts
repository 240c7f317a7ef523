import { describe, expect, it } from 'vitest';
import { HealthChecker, type ServerHealth } from '../../../src/upstream/health/health-checker.ts';
import type { ProbeListener } from '../../../src/upstream/health/probe-connection.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Bench {
  readonly clock: ManualClock;
  readonly checker: HealthChecker;
  readonly changes: ServerHealth[];
  /** When checks began, in milliseconds from the start. */
  readonly begun: number[];
  readonly cancelled: number[];
  /** Why the checks from now on fail, or `passed`; `undefined` leaves them without an answer. */
  finds: string | undefined;
  answer: ProbeListener | undefined;
}

function startBench(random: () => number = () => 0.5): Bench {
  const clock = new ManualClock();
  const changes: ServerHealth[] = [];
  const bench: Omit<Bench, 'checker'> = {
    clock,
    changes,
    begun: [],
    cancelled: [],
    finds: 'passed',
    answer: undefined,
  };
  const checker = new HealthChecker({
    interval: 5000,
    rise: 2,
    fall: 3,
    clock,
    random,
    startProbe(onResult) {
      bench.begun.push(clock.monotonic());
      bench.answer = onResult;
      const { finds } = bench;
      if (finds !== undefined)
        clock.setTimeout(
          () => onResult(finds === 'passed' ? { kind: 'passed' } : { kind: 'failed', reason: finds }),
          10,
        );
      return { cancel: () => void bench.cancelled.push(clock.monotonic()) };
    },
    onChange: (health) => changes.push(health),
  });
  return Object.assign(bench, { checker });
}

describe('the checks of a server', () => {
  it('come in the interval, the first within a second', () => {
    const { begun, clock } = startBench();
    clock.advance(16_000);
    expect(begun).toEqual([500, 5500, 10_500, 15_500]);
  });

  it('do not beat together: moments differ by a fifth of the interval', () => {
    const [early, late] = [startBench(() => 0), startBench(() => 0.999)];
    for (const { clock } of [early, late]) clock.advance(11_000);
    expect(early.begun).toEqual([0, 4500, 9000]);
    expect(late.begun.map(Math.round)).toEqual([999, 6498]);
  });

  it('never run two at a time, and one that hangs is cancelled at the end', () => {
    const bench = startBench();
    bench.finds = undefined;
    bench.clock.advance(60_000);
    expect(bench.begun).toHaveLength(1);
    bench.answer?.({ kind: 'passed' });
    bench.clock.advance(1);
    expect(bench.begun).toHaveLength(2);
    bench.checker.close();
    expect(bench.cancelled).toEqual([60_001]);
    bench.answer?.({ kind: 'failed', reason: 'late' });
    bench.clock.advance(60_000);
    expect(bench.begun).toHaveLength(2);
    expect(bench.changes).toEqual([]);
    expect(bench.clock.pending).toBe(0);
  });

  it('tell changes alone, with the moment and the reason', () => {
    const bench = startBench();
    const start = bench.clock.now();
    bench.clock.advance(1000);
    expect(bench.checker.health).toEqual({ kind: 'up', since: start });
    bench.finds = 'refuses connections';
    bench.clock.advance(14_000);
    expect(bench.changes).toEqual([]);
    bench.clock.advance(1000);
    expect(bench.changes).toEqual([{ kind: 'down', since: start + 15_510, reason: 'refuses connections' }]);
    bench.finds = 'gives no answer';
    bench.clock.advance(20_000);
    expect(bench.changes).toHaveLength(1);
    expect(bench.checker.health).toMatchObject({ since: start + 15_510, reason: 'gives no answer' });
    bench.finds = 'passed';
    bench.clock.advance(5000);
    expect(bench.changes).toHaveLength(1);
    bench.clock.advance(5000);
    expect(bench.changes[1]).toEqual({ kind: 'up', since: start + 45_510 });
    expect(bench.checker.health).toBe(bench.changes[1]);
  });

  it('find at once what is dead at the start', () => {
    const bench = startBench();
    bench.finds = 'refuses connections';
    bench.clock.advance(600);
    expect(bench.changes).toHaveLength(1);
  });

  it('let one failure pass', () => {
    const bench = startBench();
    for (const finds of ['passed', 'bad', 'bad', 'passed', 'bad', 'bad', 'passed']) {
      bench.finds = finds;
      bench.clock.advance(5000);
    }
    expect(bench.changes).toEqual([]);
  });
});
