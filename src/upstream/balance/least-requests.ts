import type { Balancer } from './balancer.ts';
import { RoundRobin } from './round-robin.ts';

/**
 * The server with the fewest requests under way for its weight; those that are equal take turns by weight, so that calls
 * which come one after the other are spread, too.
 */
export class LeastRequests implements Balancer {
  readonly #turns: RoundRobin;
  /** The weights of those that are equal. */
  readonly #equal: number[];

  constructor(size: number) {
    this.#turns = new RoundRobin(size);
    this.#equal = Array.from({ length: size }, () => 0);
  }

  pick(weights: readonly number[], loads: readonly number[]): number {
    const equal = this.#equal;
    let least = Number.POSITIVE_INFINITY;
    for (let place = 0; place < equal.length; place++) {
      const weight = weights[place] ?? 0;
      if (weight > 0) least = Math.min(least, (loads[place] ?? 0) / weight);
    }
    for (let place = 0; place < equal.length; place++) {
      const weight = weights[place] ?? 0;
      equal[place] = weight > 0 && (loads[place] ?? 0) / weight === least ? weight : 0;
    }
    return this.#turns.pick(equal);
  }
}
