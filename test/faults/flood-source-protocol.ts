/** What a test and its flooding upstream tell each other. Every question is answered with the state. */
export interface FloodQuestion {
  readonly kind: 'report';
}

export interface FloodState {
  readonly port: number;
  /** Flooded streams that are open now. */
  readonly open: number;
  /** Bytes the upstream was rid of, over all flooded streams. */
  readonly bytes: number;
}

/** The session whose stream gets a small event now and then, each with the time it was sent. */
export const TIMED_SESSION = 'timed';
