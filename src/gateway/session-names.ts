import { fieldValue } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { SESSION_ID_HEADER } from '../mcp/headers.ts';
import { sealEndpoint, type MessageEndpoint } from '../sessions/seal-endpoint.ts';
import type { SessionSeal } from '../sessions/seal.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import type { Exchange } from './exchange.ts';
import { hasBoundSessions, type Route } from './routes.ts';

/** What clients know the sessions of upstreams by. */
export interface SessionNames {
  /** The id for the client in the place of the upstream's, where an answer has one. */
  forAnswer(exchange: Exchange, place: SessionPlace, head: ResponseHead): AnswerSession;
  /** The query for the client of an announced message endpoint; `undefined` when its session is too long to be sealed. */
  forEndpoint(exchange: Exchange, place: SessionPlace, endpoint: MessageEndpoint): string | undefined;
}

/** Where a session lives. */
export interface SessionPlace {
  readonly route: Route;
  readonly server: UpstreamServer;
}

export type AnswerSession =
  | { readonly kind: 'none' }
  | { readonly kind: 'named'; readonly id: string }
  /** It is so long that no client could send it back. */
  | { readonly kind: 'too-long' };

const none: AnswerSession = { kind: 'none' };
/** Stands for the first server in ids that were sealed when a route had but one. */
const FIRST_SERVER = '0';

/** Where no session belongs to anyone. */
export const plainSessionNames: SessionNames = {
  forAnswer: () => none,
  forEndpoint: (_exchange, _place, endpoint) => endpoint.query,
};

/** The key of the server that a sealed id names. */
export function toBoundKey({ servers }: Route, sealed: string): string {
  return sealed === FIRST_SERVER ? servers.first.key : sealed;
}

/** Sealed names on routes with access control or several servers; everywhere else sessions keep theirs, and anybody may use them. */
export function createSessionNames(seal: SessionSeal): SessionNames {
  const sealFor = (
    { principal }: Exchange,
    { route, server }: SessionPlace,
    sessionId: string,
  ): string | undefined =>
    seal.seal({ route: route.id, principalId: principal?.id, upstream: server.key, sessionId });
  return {
    forAnswer(exchange, place, head) {
      if (!hasBoundSessions(place.route)) return none;
      const own = fieldValue(head.fields, SESSION_ID_HEADER);
      if (own === undefined) return none;
      // Servers repeat the id in each answer, and a client takes another one for another session.
      if (own === exchange.session?.id) return { kind: 'named', id: exchange.session.sealed };
      const id = sealFor(exchange, place, own);
      return id === undefined ? { kind: 'too-long' } : { kind: 'named', id };
    },
    forEndpoint: (exchange, place, endpoint) =>
      hasBoundSessions(place.route)
        ? sealEndpoint(endpoint, (sessionId) => sealFor(exchange, place, sessionId))
        : endpoint.query,
  };
}
