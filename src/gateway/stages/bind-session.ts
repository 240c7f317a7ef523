import { fieldValue, type Fields } from '../../http/exchange.ts';
import { SESSION_ID_HEADER } from '../../mcp/headers.ts';
import { openEndpoint, sealedQueryPrefix } from '../../sessions/seal-endpoint.ts';
import type { SessionSeal } from '../../sessions/seal.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import { hasBoundSessions } from '../routes.ts';

const unknown: Reply = { kind: 'error', code: 'E_SESSION_UNKNOWN' };

/**
 * Opens the session that a request names. On routes with access control a session is its owner's alone: to anybody else it does not
 * exist, on POST, GET and DELETE alike (session hijacking; MCP Security Best Practices).
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
    const holder = { route: destination.route.path, principalId: principal?.id };
    const isMessage = destination.transport === 'http-sse' || query.startsWith(sealedQueryPrefix);
    if (request.method === 'POST' && isMessage) {
      const endpoint = { path: destination.upstreamPath, query };
      const found = openEndpoint(endpoint, (text) => seal.open(text, holder));
      if (found.kind === 'unknown') return unknown;
      exchange.upstreamQuery = found.query;
    }
    const known = isRepeat ? opened.get(fields) : undefined;
    if (known !== undefined && known.principalId === holder.principalId) {
      exchange.session = known.session;
      return undefined;
    }
    const sealed = fieldValue(fields, SESSION_ID_HEADER);
    if (sealed === undefined) return undefined;
    const found = seal.open(sealed, holder);
    if (found.kind === 'unknown') return unknown;
    exchange.session = { sealed, id: found.sessionId };
    if (isRepeat) opened.set(fields, { principalId: holder.principalId, session: exchange.session });
    return undefined;
  };
}
