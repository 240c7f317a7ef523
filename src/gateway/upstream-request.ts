import { buildForwardedFields } from '../http/forwarded.ts';
import type { Fields } from '../http/exchange.ts';
import { LAST_EVENT_ID_HEADER, SESSION_ID_HEADER } from '../mcp/headers.ts';
import type { Exchange, OutboundFieldSet } from './exchange.ts';
import { appendOutbound, isForwarded } from './forwarded-fields.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import type { Route } from './routes.ts';
import type { SessionPlace } from './session-names.ts';

/** Bodies from this size on are sent from where they are: copying them costs more than a second buffer does. */
const LARGE_BODY_BYTES = 64 * 1024;

/**
 * Heads written for a request's fields that had come before. A connection has one client, so the same fields in it
 * mean the same method, authority and forwarded fields; what else a head is made of is compared.
 */
const written = new WeakMap<Fields, WrittenHead>();

interface WrittenHead {
  readonly head: Buffer;
  readonly route: Route;
  readonly server: UpstreamServer;
  readonly target: string;
  readonly bodyLength: number;
  readonly sessionId: string | undefined;
  readonly dropsEventId: boolean;
  readonly outbound: OutboundFieldSet | undefined;
}

/**
 * Serialises the request for the upstream afresh (nothing is copied through), head and body in one buffer unless the body is large.
 * The upstream sees its own authority as Host and no Origin, because servers guard against both;
 * no Accept-Encoding, because a compressed event stream is a buffered one; no key of ours; and the session under its own name.
 */
export function serializeUpstreamRequest(
  exchange: Exchange,
  place: SessionPlace,
  target: string,
): readonly Buffer[] {
  const { fields, isRepeat, body } = exchange.request;
  if (!isRepeat) return toMessage(buildHead(exchange, place, target), body);
  const { outbound, session, dropsEventId } = exchange;
  const known = written.get(fields);
  if (
    known?.route === place.route &&
    known.server === place.server &&
    known.target === target &&
    known.bodyLength === body.length &&
    known.sessionId === session?.id &&
    known.dropsEventId === dropsEventId &&
    known.outbound === outbound
  )
    return toMessage(known.head, body);
  const head = Buffer.from(buildHead(exchange, place, target), 'latin1');
  const bodyLength = body.length;
  const { route, server } = place;
  const sessionId = session?.id;
  written.set(fields, { head, route, server, target, bodyLength, sessionId, dropsEventId, outbound });
  return toMessage(head, body);
}

function toMessage(head: string | Buffer, body: Buffer): readonly Buffer[] {
  if (body.length >= LARGE_BODY_BYTES)
    return [typeof head === 'string' ? Buffer.from(head, 'latin1') : head, body];
  const message = Buffer.allocUnsafe(head.length + body.length);
  if (typeof head === 'string') message.write(head, 0, 'latin1');
  else message.set(head, 0);
  message.set(body, head.length);
  return [message];
}

function buildHead(exchange: Exchange, { route, server }: SessionPlace, target: string): string {
  const { request, session, outbound } = exchange;
  const { fields, body } = request;
  const dropsCredentials = route.access.check !== undefined;
  let head = `${request.method} ${target} HTTP/1.1\r\n${server.hostLine}`;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name === 'origin' || name === 'accept-encoding') continue;
    if (!isForwarded(name, dropsCredentials, outbound)) continue;
    if (exchange.dropsEventId && name === LAST_EVENT_ID_HEADER) continue;
    const isSession = session !== undefined && name === SESSION_ID_HEADER;
    head += `${name}: ${isSession ? session.id : fields[index + 1]}\r\n`;
  }
  head = appendOutbound(head, outbound);
  head += buildForwardedFields(request, exchange.client);
  if (body.length > 0 || request.method === 'POST') head += `content-length: ${body.length}\r\n`;
  return `${head}\r\n`;
}
