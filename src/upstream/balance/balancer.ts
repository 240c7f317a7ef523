/** Chooses among the servers of a group. They are known by their places, so that nothing is allocated for a choice. */
export interface Balancer {
  /**
   * The place of the server for the next piece of work, or -1 where there is none. `weights`: what each is worth just now, 0 or less
   * for one that is not to be chosen. `loads`: what each has under way.
   */
  pick(weights: readonly number[], loads: readonly number[]): number;
}
