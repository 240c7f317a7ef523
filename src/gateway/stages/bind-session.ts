import { fieldValue, type Fields } from '../../http/exchange.ts';
import { SESSION_ID_HEADER } from '../../mcp/headers.ts';
import { openEndpoint } from '../../sessions/seal-endpoint.ts';
import type { SessionHolder, SessionSeal } from '../../sessions/seal.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import { hasBoundSessions, type Route } from '../routes.ts';
import { openSession, toBoundKey } from '../sessions/open-session.ts';
import type { SessionKeeper } from '../sessions/session-keeper.ts';

const unknown: Reply = { kind: 'error', code: 'E_SESSION_UNKNOWN' };
const full: Reply = { kind: 'error', code: 'E_SESSIONS_FULL' };

/**
 * Opens the session that a request names, and binds the request to the session's server. On routes with access control a session is its
 * owner's alone: to anybody else it does not exist, on POST, GET and DELETE alike (session hijacking; MCP Security Best Practices).
 * Where sessions are sealed for no other reason than that they may have to begin again, what is no sealed id is the server's business.
 */
export function createBindSessionStage(
  seal: SessionSeal,
  keeper: SessionKeeper,
): (exchange: Exchange) => Reply | undefined {
  /** What fields that come again had opened, and for whom. */
  const opened = new WeakMap<
    Fields,
    { readonly principalId: string | undefined; readonly session: OpenSession }
  >();
  /** What sessions that began again go on as. */
  const successors = new WeakMap<OpenSession, { readonly text: string; readonly session: OpenSession }>();

  function toNewest(session: OpenSession, holder: SessionHolder, { servers }: Route): OpenSession {
    const text = keeper.successorOf(session.sealed);
    if (text === undefined) return session;
    const known = successors.get(session);
    if (known?.text === text) return known.session;
    const successor = openSession(seal, { sealed: session.sealed, text, holder, servers });
    if (successor === undefined) return session;
    successors.set(session, { text, session: successor });
    return successor;
  }

  return function bindSession(exchange) {
    const { destination, request, principal, envelope } = exchange;
    if (destination.kind !== 'mcp') return undefined;
    const { route } = destination;
    const isBound = hasBoundSessions(route);
    if (!isBound && !keeper.isActive) return undefined;
    if (envelope?.kind === 'request' && envelope.method === 'initialize' && keeper.isFull) return full;
    // The modern era has no sessions, and the field means nothing in it.
    if (!isBound && exchange.classification?.sessionId === undefined) return undefined;
    const { fields, isRepeat, query } = request;
    const holder = { route: route.id, principalId: principal?.id };
    if (isBound && destination.transport === 'http-sse') {
      const found = openEndpoint(query, (text) => seal.open(text, holder));
      if (found.kind === 'unknown') return unknown;
      exchange.upstreamTarget = found.target;
      exchange.serverKey = toBoundKey(route.servers, found.upstream);
    }
    const known = isRepeat ? opened.get(fields) : undefined;
    if (known !== undefined && known.principalId === holder.principalId) {
      bind(exchange, toNewest(known.session, holder, route));
      return undefined;
    }
    const sealed = fieldValue(fields, SESSION_ID_HEADER);
    if (sealed === undefined) return undefined;
    const session = openSession(seal, { sealed, text: sealed, holder, servers: route.servers });
    if (session === undefined) return isBound ? unknown : undefined;
    if (isRepeat) opened.set(fields, { principalId: holder.principalId, session });
    bind(exchange, toNewest(session, holder, route));
    return undefined;
  };
}

/** The endpoint of a message names its server, too; nobody has sessions of both transports at once. */
function bind(exchange: Exchange, session: OpenSession): void {
  exchange.session = session;
  exchange.serverKey ??= session.serverKey;
}
