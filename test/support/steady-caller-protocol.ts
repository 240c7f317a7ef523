/** What a test and the process of its steady caller tell each other. Every command is answered with a report. */
export type CallerCommand =
  | { readonly kind: 'start'; readonly port: number; readonly ca: string; readonly perSecond: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

/** The calls answered since the report before. */
export interface CallReport {
  readonly answered: number;
  /** Calls without an answer of status 200: how many by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from the moment a call was due until its answer was whole; NaN without calls. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}
