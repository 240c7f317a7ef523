import { describe, expect, it } from 'vitest';
import { fitLine, summarize, toMedian, toPercentile, type Round } from '../../bench/statistics.ts';

const round = (figures: Readonly<Record<string, number>>): Round =>
  new Map(Object.entries(figures).map(([name, value]) => [name, { calls: value }]));

describe('benchmark figures', () => {
  it('are medians, and ratios are taken within a round', () => {
    const rounds = [
      round({ breakwater: 50, nginx: 100 }),
      round({ breakwater: 66, nginx: 110 }),
      round({ breakwater: 54, nginx: 90 }),
    ];
    expect(summarize('calls', rounds)).toEqual({
      values: { breakwater: 54, nginx: 100 },
      ratios: { nginx: 0.6 },
      executableRatios: {},
      points: {},
      rounds: 3,
      discarded: 0,
    });
  });

  it('leave out a round whose nginx figure strays, and count it', () => {
    const rounds = [100, 100, 40].map((nginx) => round({ breakwater: 50, nginx }));
    expect(summarize('calls', rounds)).toMatchObject({ rounds: 2, discarded: 1, ratios: { nginx: 0.5 } });
  });

  it('control: a round that strays less than a quarter counts', () => {
    const rounds = [100, 100, 80].map((nginx) => round({ breakwater: 50, nginx }));
    expect(summarize('calls', rounds)).toMatchObject({ rounds: 3, discarded: 0 });
  });

  it('do without a peer that was not measured', () => {
    expect(summarize('calls', [round({ breakwater: 7 })])).toMatchObject({
      values: { breakwater: 7 },
      ratios: {},
    });
  });

  it('set the executable beside the others too', () => {
    const result = summarize('calls', [round({ breakwater: 50, 'breakwater-executable': 75, nginx: 100 })]);
    expect(result.executableRatios).toEqual({ breakwater: 1.5, nginx: 0.75 });
    expect(result.ratios['breakwater-executable']).toBeCloseTo(2 / 3);
  });

  it('keep what stands beside the headline under its own name', () => {
    const rounds: Round[] = [
      new Map([
        ['breakwater', { p50: 10, p99: 30 }],
        ['nginx', { p50: 5, p99: 20 }],
      ]),
    ];
    const { values, points } = summarize('p50', rounds);
    expect(values).toEqual({ breakwater: 10, nginx: 5 });
    expect(points['p99']).toMatchObject({ values: { breakwater: 30, nginx: 20 }, ratios: { nginx: 1.5 } });
  });

  it('have no ratio to a figure that is not above zero', () => {
    expect(summarize('calls', [round({ breakwater: 5, nginx: -2 })]).ratios).toEqual({});
  });

  it('of an even number are the mean of the middle two', () => {
    expect(toMedian([4, 1, 3, 2])).toBe(2.5);
  });

  it('know percentiles by nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(toPercentile(values, 0.5)).toBe(100);
    expect(toPercentile(values, 0.99)).toBe(198);
    expect(toPercentile([7], 0.99)).toBe(7);
  });
});

describe('the line through points', () => {
  it('is found, and a straight one has no deviation', () => {
    const line = fitLine([
      [1, 12],
      [5, 20],
      [10, 30],
    ]);
    expect(line.slope).toBeCloseTo(2);
    expect(line.intercept).toBeCloseTo(10);
    expect(line.deviation).toBeCloseTo(0);
  });

  it('control: a bend shows as a deviation', () => {
    const { deviation } = fitLine([
      [1, 10],
      [5, 50],
      [10, 200],
    ]);
    expect(deviation).toBeGreaterThan(0.1);
  });
});
