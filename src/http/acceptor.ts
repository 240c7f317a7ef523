import type { Socket } from 'node:net';

/** A socket that listens, for whoever serves its connections. */
export interface Acceptor {
  readonly address: { readonly host: string; readonly port: number };
  /** Connections come no more; those that have come are not touched. */
  close(): void;
}

/** Opens one whose connections go to `take`. Rejects with the system's error when the address cannot be bound. */
export type OpenAcceptor = (take: (socket: Socket) => void) => Promise<Acceptor>;
