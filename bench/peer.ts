import type { ChildProcess } from 'node:child_process';

/** What a peer is started with; all files go into `directory`, which is its own. */
export interface PeerSetup {
  readonly directory: string;
  readonly upstreamPort: number;
  /** PEM files of the one certificate all peers serve. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** A proxy under measurement, running alone on its core. */
export interface RunningPeer {
  readonly port: number;
  readonly process: ChildProcess;
}

export interface Peer {
  readonly name: string;
  /** The program's version, or `undefined` when it is not installed. */
  version(): string | undefined;
  start(setup: PeerSetup): Promise<RunningPeer>;
}
