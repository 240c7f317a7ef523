/** What a test and its upstream of large bodies tell each other. */
export interface BodyQuestion {
  readonly kind: 'report';
}

export interface BodyState {
  readonly port: number;
  /** Length and SHA-256, in hex, of each request body received. */
  readonly received: readonly { readonly bytes: number; readonly digest: string }[];
}
