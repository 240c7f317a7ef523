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
  it('picks one with the fewest where the weights are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 6 }), (loads) => {
        const picked = new LeastRequests(loads.length).pick(
          loads.map(() => 3),
          loads,
        );
        expect(loads[picked]).toBe(Math.min(...loads));
      }),
    );
  });

  it('never picks one that has its share of what is under way, and always picks one that can be', () => {
    fc.assert(
      fc.property(weightsOf, fc.array(fc.integer({ min: 0, max: 20 })), (weights, given) => {
        const loads = weights.map((weight, place) => (weight > 0 ? (given[place] ?? 0) : 0));
        const picked = new LeastRequests(weights.length).pick(weights, loads);
        if (total(weights) === 0) {
          expect(picked).toBe(-1);
          return;
        }
        const weight = weights[picked] ?? 0;
        expect(weight).toBeGreaterThan(0);
        expect(loads[picked]).toBeLessThan(Math.ceil(((total(loads) + 1) * weight) / total(weights)));
      }),
    );
  });

  it.each([1, 2, 5, 20, 100])('gives a light server its share of %i calls at a time', (atOnce) => {
    const weights = [90, 10];
    const loads = [0, 0];
    const balancer = new LeastRequests(2);
    const running: number[] = [];
    let ofLight = 0;
    for (let call = 0; call < 10_000; call++) {
      // The oldest ends first: both take the same time.
      if (running.length === atOnce) {
        const ended = running.shift() ?? 0;
        loads[ended] = (loads[ended] ?? 0) - 1;
      }
      const place = balancer.pick(weights, loads);
      loads[place] = (loads[place] ?? 0) + 1;
      running.push(place);
      ofLight += place;
    }
    expect(ofLight / 10_000).toBeGreaterThan(0.085);
    expect(ofLight / 10_000).toBeLessThan(0.115);
  });

  it('gives a server that hangs no more than its share', () => {
    const balancer = new LeastRequests(2);
    // What the first gets stays under way, what the second gets ends at once.
    const loads = [0, 0];
    for (let call = 0; call < 1000; call++)
      if (balancer.pick([90, 10], loads) === 0) loads[0] = (loads[0] ?? 0) + 1;
    expect(loads[0]).toBeLessThan(20);
  });

  it('pays no more than a turn back to one that was full for long', () => {
    const balancer = new LeastRequests(2);
    for (let call = 0; call < 1000; call++) balancer.pick([1, 1], [5, 0]);
    expect(spread(() => balancer.pick([1, 1], [0, 0]), 20, 2)[0]).toBeLessThan(13);
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
