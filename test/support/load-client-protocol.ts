/** What a test and its steady client tell each other. */
export type LoadCommand =
  | {
      readonly kind: 'start';
      readonly port: number;
      readonly ca: string;
      readonly callsPerSecond: number;
      /** Share of the calls that open a connection of their own, handshake included: 0 to 1. */
      readonly freshShare: number;
      /** Further field lines, each with its line end; the calls take these sets in turn. */
      readonly fields?: readonly string[];
    }
  | { readonly kind: 'stop' };

export type LoadAnswer =
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped'; readonly report: LoadReport };

export interface LoadReport {
  readonly calls: number;
  /** Calls that got something else than 200, or nothing: how many by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from the moment a call was due to the end of its answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
