/** Ways to hold a connection while giving almost nothing. */
export const slowKinds = [
  'no-hello',
  'silent',
  'slow-head',
  'slow-body',
  'h2-idle',
  'h2-slow-head',
  'h2-slow-body',
] as const;

export type SlowKind = (typeof slowKinds)[number];

/** What the test and the process with the slow clients tell each other. */
export interface SlowCommand {
  readonly port: number;
  readonly ca: string;
  readonly counts: Readonly<Partial<Record<SlowKind, number>>>;
  /** New connections a second at most, over all kinds. */
  readonly perSecond: number;
  /** Milliseconds to wait for cuts once the last connection is made. */
  readonly patience: number;
}

export interface SlowFigures {
  readonly opened: number;
  /** Ended by the other side. */
  readonly cut: number;
  /** Closed before they were established: refused. */
  readonly refused: number;
  /** Longest time until a cut, in milliseconds from the end of the TLS handshake, or of the TCP one where there is no other. */
  readonly longest: number;
}

export type SlowReport = Readonly<Partial<Record<SlowKind, SlowFigures>>>;
