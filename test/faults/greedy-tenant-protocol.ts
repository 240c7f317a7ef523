/** What a test and its greedy tenant tell each other. Every command is answered with a report. */
export type GreedyCommand =
  | {
      readonly kind: 'start';
      readonly port: number;
      readonly ca: string;
      /** Field lines, each with its line end. */
      readonly fields: string;
      readonly perSecond: number;
    }
  | { readonly kind: 'stop' };

/** The calls answered so far. */
export interface GreedyReport {
  readonly admitted: number;
  /** 429 with Retry-After and a JSON-RPC error that has the id of the call. */
  readonly refused: number;
  /** Anything else: how many by what it was. */
  readonly other: Readonly<Record<string, number>>;
  /** Calls a second, from the start to the stop. */
  readonly perSecond: number;
}
