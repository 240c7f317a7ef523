import type { Deadlines } from '../http/deadlines.ts';
import type { Relay } from './relay.ts';
import type { ResponsePolicy } from './response-fields.ts';
import type { RouteTable } from './routes.ts';
import type { SessionNames } from './session-names.ts';
import type { SessionKeeper } from './sessions/session-keeper.ts';

/** What all relays of a gateway share. */
export interface RelayEnvironment {
  readonly routes: RouteTable;
  readonly policy: ResponsePolicy;
  readonly deadlines: Deadlines;
  readonly heartbeat: number;
  readonly random: () => number;
  readonly isDraining: () => boolean;
  readonly sessions: SessionNames;
  readonly keeper: SessionKeeper;
  /** Called once, when both sides are done with the exchange. */
  readonly onSettled: (relay: Relay) => void;
}
