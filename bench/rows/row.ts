import type { Peer } from '../peer.ts';
import type { RowResult } from '../statistics.ts';

export interface RowOptions {
  /** The installed peers, ours among them. */
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly directory: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly onProgress: (text: string) => void;
}

/** One line of the table. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** What the project wants to reach: ours through the peer's. */
  readonly targets: readonly { readonly peer: string; readonly ratio: number; readonly atMost?: true }[];
  measure(options: RowOptions): Promise<RowResult>;
}
