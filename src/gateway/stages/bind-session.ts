import { fieldValue, type Fields } from '../../http/exchange.ts';
import { SESSION_ID_HEADER } from '../../mcp/headers.ts';
import { openEndpoint } from '../../sessions/seal-endpoint.ts';
import type { SessionSeal } from '../../sessions/seal.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import { hasBoundSessions } from '../routes.ts';
import { toBoundKey } from '../session-names.ts';

const unknown: Reply = { kind: 'error', code: 'E_SESSION_UNKNOWN' };

/**
 * Opens the session that a request names, and binds the request to the session's server. On routes with access control a session is
 * its owner's alone: to anybody else it does not exist, on POST, GET and DELETE alike (session hijacking; MCP Security Best Practices).
 */
export function createBindSessionStage(seal: SessionSeal): (exchange: Exchange) => Reply | undefined {
  /** What fields that come again had opened, and for whom. */
  const opened = new WeakMap<
    Fields,
    { readonly principalId: string | undefined; readonly session: OpenSession }
  >();

  return function bindSession(exchange) {
    const { destination, request, principal } = exchange;
    if (destination.kind !== 'mcp' || !hasBoundSessions(destination.route)) return undefined;
    const { fields, isRepeat, query } = request;
    const holder = { route: destination.route.id, principalId: principal?.id };
    if (destination.transport === 'http-sse') {
      const found = openEndpoint(query, (text) => seal.open(text, holder));
      if (found.kind === 'unknown') return unknown;
      exchange.upstreamTarget = found.target;
      exchange.serverKey = toBoundKey(destination.route, found.upstream);
    }
    const known = isRepeat ? opened.get(fields) : undefined;
    if (known !== undefined && known.principalId === holder.principalId) {
      bind(exchange, known.session);
      return undefined;
    }
    const sealed = fieldValue(fields, SESSION_ID_HEADER);
    if (sealed === undefined) return undefined;
    const found = seal.open(sealed, holder);
    if (found.kind === 'unknown') return unknown;
    const serverKey = toBoundKey(destination.route, found.upstream);
    const session: OpenSession = { sealed, id: found.sessionId, serverKey };
    if (isRepeat) opened.set(fields, { principalId: holder.principalId, session });
    bind(exchange, session);
    return undefined;
  };
}

/** The endpoint of a message names its server, too; nobody has sessions of both transports at once. */
function bind(exchange: Exchange, session: OpenSession): void {
  exchange.session = session;
  exchange.serverKey ??= session.serverKey;
}
