import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeastRequests } from '../../../src/upstream/balance/least-requests.ts';
import { RoundRobin } from '../../../src/upstream/balance/round-robin.ts';

const none = [0, 0, 0, 0, 0, 0];
const weightsOf = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 });

function spread(pick: () => number, times: number, size: number): number[] {
  const counts = Array.from({ length: size }, () => 0);
  for (let time = 0; time < times; time++) {
    const place = pick();
    if (place >= 0) counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

describe('round robin', () => {
  it('gives each exactly its weight in a round, and spreads the turns of the heavy one', () => {
    const balancer = new RoundRobin(3);
    const order = Array.from({ length: 7 }, () => balancer.pick([5, 1, 1]));
    expect(order).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('is exact in each round, whatever the weights', () => {
    fc.assert(
      fc.property(weightsOf, fc.integer({ min: 1, max: 4 }), (weights, rounds) => {
        const balancer = new RoundRobin(weights.length);
        const counts = spread(() => balancer.pick(weights), rounds * total(weights), weights.length);
        expect(counts).toEqual(weights.map((weight) => weight * rounds));
      }),
    );
  });

  it('has nothing to pick where no weight is above 0', () => {
    expect(new RoundRobin(2).pick([0, 0])).toBe(-1);
    expect(new RoundRobin(2).pick([0, -1])).toBe(-1);
  });

  it('picks again what was out for a while, without paying it back', () => {
    const balancer = new RoundRobin(2);
    for (let time = 0; time < 100; time++) expect(balancer.pick([1, 0])).toBe(0);
    expect(spread(() => balancer.pick([1, 1]), 10, 2)).toEqual([5, 5]);
  });
});

describe('least requests', () => {
  it('never picks one that has more for its weight than another', () => {
    fc.assert(
      fc.property(weightsOf, fc.array(fc.integer({ min: 0, max: 20 })), (weights, given) => {
        const loads = weights.map((_, place) => given[place] ?? 0);
        const picked = new LeastRequests(weights.length).pick(weights, loads);
        const shares = weights.flatMap((weight, place) => (weight > 0 ? [(loads[place] ?? 0) / weight] : []));
        if (shares.length === 0) expect(picked).toBe(-1);
        else {
          expect(weights[picked]).toBeGreaterThan(0);
          expect((loads[picked] ?? 0) / (weights[picked] ?? 0)).toBe(Math.min(...shares));
        }
      }),
    );
  });

  it('gives each its weight where nothing is under way', () => {
    fc.assert(
      fc.property(weightsOf, (weights) => {
        const balancer = new LeastRequests(weights.length);
        const counts = spread(() => balancer.pick(weights, none), total(weights), weights.length);
        expect(counts).toEqual(weights);
      }),
    );
  });
});
