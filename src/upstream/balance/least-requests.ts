import type { Balancer } from './balancer.ts';

/**
 * The server with the fewest requests under way for its weight. Servers of different weights take turns by weight (smooth weighted round
 * robin) as long as each has no more than its share of what is under way, rounded up: compared request by request, a light server that
 * has none would come before a heavy one that has a single one, and get many times its share of a little traffic.
 */
export class LeastRequests implements Balancer {
  readonly #credits: number[];

  constructor(size: number) {
    this.#credits = Array.from({ length: size }, () => 0);
  }

  pick(weights: readonly number[], loads: readonly number[]): number {
    const credits = this.#credits;
    let weightOfAll = 0;
    let loadOfAll = 0;
    for (let place = 0; place < credits.length; place++) {
      const weight = weights[place] ?? 0;
      if (weight <= 0) continue;
      weightOfAll += weight;
      loadOfAll += loads[place] ?? 0;
    }
    let best = -1;
    for (let place = 0; place < credits.length; place++) {
      const weight = weights[place] ?? 0;
      if (weight <= 0) continue;
      // Who has to wait keeps one turn and no more: a server that hung for long is not flooded, and others are not left out for it.
      const credit = Math.min((credits[place] ?? 0) + weight, weightOfAll);
      credits[place] = credit;
      // Together the shares are more than what is under way, so that at least one server is below its own.
      const share = Math.ceil(((loadOfAll + 1) * weight) / weightOfAll);
      if ((loads[place] ?? 0) >= share || hasLesser(place, weights, loads)) continue;
      if (best < 0 || credit > (credits[best] ?? 0)) best = place;
    }
    if (best >= 0) credits[best] = Math.max((credits[best] ?? 0) - weightOfAll, -weightOfAll);
    return best;
  }
}

/** Whether another server of the same weight has fewer under way. */
function hasLesser(place: number, weights: readonly number[], loads: readonly number[]): boolean {
  const load = loads[place] ?? 0;
  for (let other = 0; other < weights.length; other++)
    if (weights[other] === weights[place] && (loads[other] ?? 0) < load) return true;
  return false;
}
