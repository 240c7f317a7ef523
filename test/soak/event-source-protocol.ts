/** What a soak test and its upstream tell each other. Every command is answered with the state. */
export type SourceCommand =
  | { readonly kind: 'report' }
  /** Sends the next number on all streams. */
  | { readonly kind: 'send' }
  /** As if a number had been lost on the way. */
  | { readonly kind: 'skip' }
  /** Ends that many streams without being asked to. */
  | { readonly kind: 'end'; readonly streams: number };

export interface SourceState {
  readonly port: number;
  /** Streams that are open now. */
  readonly streams: number;
  /** The number that comes next. */
  readonly next: number;
}
