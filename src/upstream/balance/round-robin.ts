import type { Balancer } from './balancer.ts';

/**
 * Smooth weighted round robin, as nginx has it: each server gets its share by weight, and the turns of a heavy one are spread
 * among those of the others.
 */
export class RoundRobin implements Balancer {
  readonly #credits: number[];

  constructor(size: number) {
    this.#credits = Array.from({ length: size }, () => 0);
  }

  pick(weights: readonly number[]): number {
    const credits = this.#credits;
    let total = 0;
    let best = -1;
    for (let place = 0; place < credits.length; place++) {
      const weight = weights[place] ?? 0;
      if (weight <= 0) continue;
      total += weight;
      const credit = (credits[place] ?? 0) + weight;
      credits[place] = credit;
      if (best < 0 || credit > (credits[best] ?? 0)) best = place;
    }
    if (best >= 0) credits[best] = (credits[best] ?? 0) - total;
    return best;
  }
}
