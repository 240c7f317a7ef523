import { buildForwardedFields, isClaimedField } from '../http/forwarded.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './routes.ts';

/** Bodies from this size on are sent from where they are: copying them costs more than a second buffer does. */
const LARGE_BODY_BYTES = 64 * 1024;

/**
 * Serialises the request for the upstream afresh (nothing is copied through), head and body in one buffer unless the body is large.
 * The upstream sees its own authority as Host and no Origin, because servers guard against both;
 * no Accept-Encoding, because a compressed event stream is a buffered one; and no key of ours.
 */
export function serializeUpstreamRequest(
  exchange: Exchange,
  route: Route,
  target: string,
): readonly Buffer[] {
  const { request } = exchange;
  const { fields, body } = request;
  const dropsCredentials = route.auth.kind !== 'none';
  let head = `${request.method} ${target} HTTP/1.1\r\n${route.hostLine}`;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name === 'origin' || name === 'accept-encoding' || isClaimedField(name)) continue;
    if (dropsCredentials && (name === 'authorization' || name === 'x-api-key')) continue;
    head += `${name}: ${fields[index + 1]}\r\n`;
  }
  head += buildForwardedFields(request, exchange.client);
  if (body.length > 0 || request.method === 'POST') head += `content-length: ${body.length}\r\n`;
  head += '\r\n';
  if (body.length >= LARGE_BODY_BYTES) return [Buffer.from(head, 'latin1'), body];
  const message = Buffer.allocUnsafe(head.length + body.length);
  message.write(head, 0, 'latin1');
  message.set(body, head.length);
  return [message];
}
