import type { UpstreamTarget } from './config.ts';

export interface UpstreamServerConfig {
  readonly target: UpstreamTarget;
  /** Share of new work; 0 for one that gets none and keeps what is bound to it. */
  readonly weight: number;
  /** Whether each address of its name is a server of its own, and not one of them taken for each connection. */
  readonly resolvesAll: boolean;
}

export interface UpstreamLimitsConfig {
  /** Most connections to one server, streams included. */
  readonly connections: number;
  /** Most requests that wait for a connection. */
  readonly queue: number;
  /** How long they wait at most. */
  readonly queueTimeout: number;
}
