/** Active checks of the servers of a route. All times are milliseconds. */
export interface HealthConfig {
  readonly check:
    | { readonly kind: 'tcp' }
    /** Path on the server. */
    | { readonly kind: 'http'; readonly path: string }
    | { readonly kind: 'discover' };
  readonly interval: number;
  readonly timeout: number;
  /** Results in a row that change the verdict, one way and the other. */
  readonly rise: number;
  readonly fall: number;
}
