import { fieldValue, type Fields } from '../http/exchange.ts';
import { expectAgain } from '../http/serialize.ts';
import { strictTransport } from '../http/strict-transport.ts';
import { exposedHeaders } from '../mcp/browser-access.ts';
import { SESSION_ID_HEADER } from '../mcp/headers.ts';
import { isUpstreamUrl } from '../upstream/target.ts';
import type { Exchange } from './exchange.ts';
import { toPublicPath } from './routes.ts';
import type { SessionPlace } from './session-names.ts';

/** Fields of an upstream's answer that are ours to set, or that speak about a connection the client does not have. */
const replacedFields: ReadonlySet<string> = new Set([
  'strict-transport-security',
  'alt-svc',
  'x-accel-buffering',
]);

export interface ResponsePolicy {
  /** Whether to send Strict-Transport-Security: only under public names, never for localhost. */
  readonly hsts: boolean;
}

/** What each answer carries besides its own fields: CORS for the allowed origin (Fetch standard), HSTS. */
export function buildCommonFields(exchange: Exchange, policy: ResponsePolicy): string[] {
  const fields: string[] = [];
  if (policy.hsts && exchange.request.peer.secure) fields.push('strict-transport-security', strictTransport);
  if (exchange.origin !== undefined) {
    fields.push('access-control-allow-origin', exchange.origin);
    fields.push('access-control-expose-headers', exposedHeaders);
    fields.push('vary', 'Origin');
  }
  return fields;
}

/** Both tell proxies between us and the client to neither hold back nor compress events. */
export const eventStreamFields: readonly string[] = [
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
];

export interface UpstreamAnswer {
  readonly fields: Fields;
  readonly policy: ResponsePolicy;
  readonly isEventStream: boolean;
  /** True when the last answer of the connection had these fields, the same object, too. */
  readonly isRepeat: boolean;
  /** Id of the session for the client, in the place of the upstream's own; `undefined` leaves that as it is. */
  readonly sessionId: string | undefined;
}

/** What repeated fields became, by the fields. A connection belongs to one route, and one policy holds for all. */
const relayed = new WeakMap<
  Fields,
  { readonly secure: boolean; readonly sessionId: string | undefined; readonly fields: Fields }
>();

/**
 * Turns the fields of an upstream's answer into those of ours: everything passes but CORS and HSTS, which
 * are ours, Location, which would name the private address, and a session id that has another name outside.
 */
export function toRelayedFields(exchange: Exchange, place: SessionPlace, answer: UpstreamAnswer): Fields {
  // What depends on the client and not on the answer alone is worked out each time.
  const isOwn = exchange.origin !== undefined || !answer.isRepeat || answer.isEventStream;
  if (isOwn) return buildRelayedFields(exchange, place, answer);
  const { secure } = exchange.request.peer;
  const known = relayed.get(answer.fields);
  if (known?.secure === secure && known.sessionId === answer.sessionId) return known.fields;
  const fields = buildRelayedFields(exchange, place, answer);
  if (fieldValue(answer.fields, 'location') !== undefined) return fields;
  expectAgain(fields);
  relayed.set(answer.fields, { secure, sessionId: answer.sessionId, fields });
  return fields;
}

function buildRelayedFields(exchange: Exchange, place: SessionPlace, answer: UpstreamAnswer): string[] {
  const fields = buildCommonFields(exchange, answer.policy);
  for (let index = 0; index < answer.fields.length; index += 2) {
    const name = answer.fields[index] ?? '';
    const value = answer.fields[index + 1] ?? '';
    if (replacedFields.has(name) || name.startsWith('access-control-')) continue;
    if (name === SESSION_ID_HEADER) fields.push(name, answer.sessionId ?? value);
    else if (name === 'location') fields.push(name, toPublicLocation(exchange, place, value));
    else if (!(answer.isEventStream && name === 'cache-control')) fields.push(name, value);
  }
  if (answer.isEventStream) fields.push(...eventStreamFields);
  return fields;
}

/** Rewrites a Location that points at the upstream, or at us over http, to the public URL; others stay. */
function toPublicLocation(exchange: Exchange, { route, server }: SessionPlace, location: string): string {
  const { authority, peer } = exchange.request;
  const scheme = peer.secure ? 'https' : 'http';
  const url = URL.parse(location, `${server.origin}${server.path}`);
  if (url === null) return location;
  const isUpstream = isUpstreamUrl(server, url);
  const isOurs = url.host === authority;
  if (!isUpstream && !isOurs) return location;
  const path = isUpstream ? toPublicPath(route.path, server.path, url.pathname) : url.pathname;
  return `${scheme}://${authority}${path}${url.search}`;
}
