import type { SessionHolder, SessionSeal } from '../../sessions/seal.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Route } from '../routes.ts';

/** Stands for the first server in ids that were sealed when a route had but one. */
const FIRST_SERVER = '0';

/** The key of the server that a sealed id names. */
export function toBoundKey(servers: Route['servers'], sealed: string): string {
  return sealed === FIRST_SERVER ? servers.first.key : sealed;
}

/** Who uses the session of a request. */
export function toHolder({ principal }: Exchange, route: Route): SessionHolder {
  return { route: route.id, principalId: principal?.id };
}

/** Names a session at a server among those of all routes. None of the parts can hold a space. */
export function toLiveKey(route: string, serverKey: string, sessionId: string): string {
  return `${route} ${serverKey} ${sessionId}`;
}

export interface OpenSessionOptions {
  /** The id that the client knows. */
  readonly sealed: string;
  /** The same, or what came in its place. */
  readonly text: string;
  readonly holder: SessionHolder;
  readonly servers: Route['servers'];
}

/** Opens a session for its holder; `undefined` for everybody else. */
export function openSession(
  seal: SessionSeal,
  { sealed, text, holder, servers }: OpenSessionOptions,
): OpenSession | undefined {
  const found = seal.open(text, holder);
  if (found.kind === 'unknown') return undefined;
  const serverKey = toBoundKey(servers, found.upstream);
  return {
    sealed,
    id: found.sessionId,
    serverKey,
    initializeParams: found.initializeParams,
    isSuccessor: text !== sealed,
    liveKey: toLiveKey(holder.route, serverKey, found.sessionId),
  };
}
