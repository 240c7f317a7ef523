import type { Peer } from './peer.ts';
import type { Figures } from './statistics.ts';

/** What all rows are measured with. */
export interface RowContext {
  readonly directory: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Only shows that everything works: headline figures alone, short warm-ups, a tenth of the streams. */
  readonly isQuick: boolean;
}

/** A row that is being measured. */
export interface RowSession {
  /** Starts a peer if the row keeps it running, and makes sure it does what is measured; throws why it does not. */
  admit(peer: Peer): Promise<void>;
  /** What is measured once a round, before the peers. */
  beginRound?(): Promise<void>;
  measure(peer: Peer): Promise<Figures>;
  close(): Promise<void>;
}

/** One line of the table. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Name of the figure that stands for the row. */
  readonly headline: string;
  readonly isMoreBetter: boolean;
  /** Names of the peers that it is about; all when absent. */
  readonly only?: readonly string[];
  open(context: RowContext): Promise<RowSession>;
}
