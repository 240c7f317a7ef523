import { describe, expect, it } from 'vitest';
import { summarize, toMedian } from '../../bench/statistics.ts';

const row = { id: 'bare-h1', unit: 'answers per CPU-second' };
const round = (breakwater: number, nginx: number): ReadonlyMap<string, number> =>
  new Map([
    ['breakwater', breakwater],
    ['nginx', nginx],
  ]);

describe('benchmark figures', () => {
  it('are medians, and ratios are taken within a round', () => {
    const result = summarize(row, [round(50, 100), round(66, 110), round(54, 90)]);
    expect(result).toEqual({
      ...row,
      values: { breakwater: 54, nginx: 100 },
      ratios: { nginx: 0.6 },
      rounds: 3,
      discarded: 0,
    });
  });

  it('leave out a round whose nginx figure strays, and count it', () => {
    const result = summarize(row, [round(50, 100), round(50, 100), round(50, 40)]);
    expect(result).toMatchObject({ rounds: 2, discarded: 1, ratios: { nginx: 0.5 } });
  });

  it('do without a peer that is not installed', () => {
    expect(summarize(row, [new Map([['breakwater', 7]])])).toMatchObject({
      values: { breakwater: 7 },
      ratios: {},
    });
  });

  it('of an even number are the mean of the middle two', () => {
    expect(toMedian([4, 1, 3, 2])).toBe(2.5);
  });
});
