import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EJECTION_MILLISECONDS, FAILURES_TO_EJECT, Outlier } from '../../../src/upstream/health/outlier.ts';
import { rampUp, SLOW_START_MILLISECONDS } from '../../../src/upstream/health/slow-start.ts';

function fail(outlier: Outlier, now: number, times: number): void {
  for (let time = 0; time < times; time++) outlier.onFailure(now, true);
}

describe('a server that fails', () => {
  it('is ejected by failures in a row, and not by as many with a success between them', () => {
    const [steady, broken] = [new Outlier(), new Outlier()];
    for (let time = 0; time < 20; time++) {
      fail(steady, 0, FAILURES_TO_EJECT - 1);
      steady.onSuccess();
    }
    expect(steady.isEjected(0)).toBe(false);
    fail(broken, 0, FAILURES_TO_EJECT);
    expect(broken.isEjected(EJECTION_MILLISECONDS - 1)).toBe(true);
    expect(broken.isEjected(EJECTION_MILLISECONDS)).toBe(false);
  });

  it('is ejected for longer each time, by the first failure after its return', () => {
    const outlier = new Outlier();
    let now = 0;
    fail(outlier, now, FAILURES_TO_EJECT);
    for (const length of [10_000, 20_000, 30_000, 40_000]) {
      expect(outlier.state.ejectedUntil - now).toBe(length);
      now = outlier.state.ejectedUntil;
      outlier.onFailure(now, true);
    }
  });

  it('is forgiven with time, and by a success after its return needs as many failures as at first', () => {
    const outlier = new Outlier();
    fail(outlier, 0, FAILURES_TO_EJECT);
    outlier.onFailure(10_000, true);
    expect(outlier.state.ejectedUntil).toBe(30_000);
    outlier.onSuccess();
    fail(outlier, 100_000, FAILURES_TO_EJECT - 1);
    expect(outlier.isEjected(100_000)).toBe(false);
    outlier.onFailure(100_000, true);
    expect(outlier.state.ejectedUntil).toBe(110_000);
  });

  it('stays where it may not be ejected', () => {
    const outlier = new Outlier();
    for (let time = 0; time < 9; time++) outlier.onFailure(0, false);
    expect(outlier.isEjected(0)).toBe(false);
    outlier.onFailure(0, true);
    expect(outlier.isEjected(0)).toBe(true);
  });

  it('may be busy once, and not always', () => {
    const [once, always] = [new Outlier(), new Outlier()];
    for (let time = 0; time < 20; time++) {
      once.onBusy(0, true);
      once.onSuccess();
    }
    expect(once.isEjected(0)).toBe(false);
    for (let time = 0; time <= FAILURES_TO_EJECT; time++) always.onBusy(0, true);
    expect(always.isEjected(0)).toBe(true);
  });

  it('is never ejected for more than five minutes, and its share is always a part of the whole', () => {
    const step = fc.tuple(fc.constantFrom('well', 'failure', 'busy'), fc.nat({ max: 60_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const outlier = new Outlier();
        let now = 0;
        for (const [sign, wait] of steps) {
          now += wait;
          if (sign === 'well') outlier.onSuccess();
          else if (sign === 'busy') outlier.onBusy(now, true);
          else outlier.onFailure(now, true);
          expect(outlier.state.ejectedUntil).toBeLessThanOrEqual(now + 300_000);
          expect(outlier.share(now)).toBeGreaterThan(0);
          expect(outlier.share(now)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('slow start', () => {
  it('grows from a tenth to the whole', () => {
    expect([0, 1500, 15_000, SLOW_START_MILLISECONDS, 1e9].map(rampUp)).toEqual([0.1, 0.1, 0.5, 1, 1]);
  });
});
