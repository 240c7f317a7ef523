/** What a test and the process with its distant clients tell each other. Every command is answered with a report. */
export type DistantCommand =
  /** Opens event streams; the answer comes when all are open or have failed. */
  | {
      readonly kind: 'open';
      readonly host: string;
      readonly port: number;
      readonly ca: string;
      readonly streams: number;
    }
  /** Opens connections that say nothing. The answer comes when each is connected, and has been refused or had `patience` milliseconds. */
  | {
      readonly kind: 'flood';
      readonly host: string;
      readonly port: number;
      readonly connections: number;
      readonly patience: number;
    }
  | { readonly kind: 'leave' }
  | { readonly kind: 'report' };

export interface DistantReport {
  /** Streams that are open. */
  readonly open: number;
  /** Comments heard over all streams. */
  readonly comments: number;
  /** Why streams did not open or are no longer open. */
  readonly ended: readonly string[];
  /** Of each connection of the last flood that was refused: milliseconds from connecting to that. */
  readonly refused: readonly number[];
}
