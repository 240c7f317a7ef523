/** What the test and the process with the streams tell each other. All times are virtual milliseconds. */
export interface FleetOrder {
  readonly gatewayPort: number;
  readonly ca: string;
  readonly streams: number;
  /** How long the streams are held once all are open. */
  readonly duration: number;
  /** Silence after which the relay between clients and gateway cuts; 0 for never. */
  readonly cutAfter: number;
}

export type FleetMessage =
  | { readonly kind: 'listening'; readonly upstreamPort: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'done'; readonly streams: readonly StreamReport[]; readonly cuts: number };

export interface StreamReport {
  readonly label: string;
  /** Why the stream ended before its time; `undefined` when it did not. */
  readonly dropped: string | undefined;
  /** When it was dropped, in milliseconds since all streams were open. */
  readonly droppedAt: number | undefined;
  readonly comments: number;
  readonly events: number;
  readonly silences: readonly number[];
  /** SHA-256 of what the upstream sent and of what the client got, the gateway's comments taken out. */
  readonly sent: string;
  readonly received: string;
}
