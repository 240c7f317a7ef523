/** What a test and the process with its streams tell each other. */
export type FleetCommand =
  | {
      readonly kind: 'open';
      readonly port: number;
      readonly ca: string;
      readonly streams: number;
      /** GET of the 2025 revisions or POST `subscriptions/listen` of 2026-07-28. */
      readonly era: 'legacy' | 'modern';
      /** Handshakes under way at the same moment. */
      readonly atOnce: number;
      /** Stops reading each stream once its head has come. */
      readonly stalled: boolean;
    }
  | { readonly kind: 'report' }
  | { readonly kind: 'leave'; readonly by: 'end' | 'reset' }
  | { readonly kind: 'forget' };

export type FleetAnswer =
  | { readonly kind: 'opened'; readonly opened: number; readonly failures: readonly string[] }
  | { readonly kind: 'report'; readonly report: FleetReport }
  | { readonly kind: 'done' };

export interface FleetReport {
  /** Streams that run now. */
  readonly running: number;
  /** Streams that ended although nobody here ended them: how many by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Over all streams since they opened. */
  readonly events: number;
  readonly comments: number;
  /** Events whose data was not the number after the one before, of the stream. */
  readonly disorder: number;
  /** Bytes that belong to no whole event or comment at the end of a stream. */
  readonly torn: number;
  /** Longest silence of any running stream, in milliseconds. */
  readonly longestSilence: number;
}
