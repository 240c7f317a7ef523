import { fieldValue } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { SESSION_ID_HEADER } from '../mcp/headers.ts';
import { sealEndpoint, type MessageEndpoint } from '../sessions/seal-endpoint.ts';
import { maxInitializeParams, type SessionSeal } from '../sessions/seal.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import type { Exchange } from './exchange.ts';
import { hasBoundSessions, type Route } from './routes.ts';
import type { SessionKeeper } from './sessions/session-keeper.ts';

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
  /** It is so long that no client could send it back, or there is no room for it. */
  | { readonly kind: 'refused'; readonly code: ErrorCode };

const none: AnswerSession = { kind: 'none' };
const tooLong: AnswerSession = { kind: 'refused', code: 'E_UPSTREAM_BAD_RESPONSE' };
const noRoom: AnswerSession = { kind: 'refused', code: 'E_SESSIONS_FULL' };
/** Longest `initialize` that is read for its params. */
const MAX_INITIALIZE_BYTES = 2 * maxInitializeParams;
/** Where no session belongs to anyone. */
export const plainSessionNames: SessionNames = {
  forAnswer: () => none,
  forEndpoint: (_exchange, _place, endpoint) => endpoint.query,
};

/**
 * Sealed names on routes with access control or several servers, and wherever a session may have to begin again: its name says then what
 * with. Everywhere else sessions keep theirs, and anybody may use them.
 */
export function createSessionNames(seal: SessionSeal, keeper: SessionKeeper): SessionNames {
  const sealFor = (
    { principal }: Exchange,
    { route, server }: SessionPlace,
    session: { readonly sessionId: string; readonly initializeParams?: string | undefined },
  ): string | undefined =>
    seal.seal({ route: route.id, principalId: principal?.id, upstream: server.key, ...session });
  return {
    forAnswer(exchange, place, head) {
      if (!keeper.isActive && !hasBoundSessions(place.route)) return none;
      const sessionId = fieldValue(head.fields, SESSION_ID_HEADER);
      if (sessionId === undefined) return none;
      // Servers repeat the id in each answer, and a client takes another one for another session.
      if (sessionId === exchange.session?.id) return { kind: 'named', id: exchange.session.sealed };
      const { envelope, request } = exchange;
      const isInitialize = envelope?.kind === 'request' && envelope.method === 'initialize';
      // One that the client knows under the server's own name keeps it.
      if (!isInitialize && !hasBoundSessions(place.route)) return none;
      if (isInitialize && !keeper.begin(exchange, place, sessionId)) return noRoom;
      const initializeParams = isInitialize && keeper.isActive ? readParams(request.body) : undefined;
      const id = sealFor(exchange, place, { sessionId, initializeParams });
      return id === undefined ? tooLong : { kind: 'named', id };
    },
    forEndpoint: (exchange, place, endpoint) =>
      hasBoundSessions(place.route)
        ? sealEndpoint(endpoint, (sessionId) => sealFor(exchange, place, { sessionId }))
        : endpoint.query,
  };
}

/** The params of an `initialize` that was read as JSON before. */
function readParams(body: Buffer): string | undefined {
  if (body.length > MAX_INITIALIZE_BYTES) return undefined;
  const { params } = JSON.parse(body.toString()) as { readonly params?: unknown };
  return JSON.stringify(params);
}
