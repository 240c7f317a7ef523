import type { Fields } from '../../http/exchange.ts';
import {
  LAST_EVENT_ID_HEADER,
  METHOD_HEADER,
  NAME_HEADER,
  PARAM_HEADER_PREFIX,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
} from '../../mcp/headers.ts';
import type { ServerRequest } from '../../sessions/begin-again.ts';
import type { OutboundFieldSet } from '../exchange.ts';
import { appendOutbound, isForwarded } from '../forwarded-fields.ts';

export interface OwnHeadOptions {
  readonly server: { readonly path: string; readonly hostLine: string };
  readonly request: ServerRequest;
  /** Fields of the client's request that goes before, or comes after; none where there is no such request. */
  readonly fields: Fields;
  /** Whether the client's credentials are for us alone. */
  readonly dropsCredentials: boolean;
  readonly outbound: OutboundFieldSet | undefined;
  /** Field lines that tell who calls. */
  readonly forwarded: string;
}

/** Fields that say what one message is. */
const messageFields: ReadonlySet<string> = new Set([
  'accept',
  'content-type',
  SESSION_ID_HEADER,
  PROTOCOL_VERSION_HEADER,
  METHOD_HEADER,
  NAME_HEADER,
  LAST_EVENT_ID_HEADER,
  'origin',
  'accept-encoding',
]);

/** Serialises a request of ours in the name of a client: with the fields that its own requests have, but for those of one message. */
export function serializeOwnRequest(options: OwnHeadOptions): Buffer {
  const { server, request, fields, outbound } = options;
  const { method, body, sessionId, protocolVersion } = request;
  let head = `${method} ${server.path} HTTP/1.1\r\n${server.hostLine}`;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (messageFields.has(name) || name.startsWith(PARAM_HEADER_PREFIX)) continue;
    if (!isForwarded(name, options.dropsCredentials, outbound)) continue;
    head += `${name}: ${fields[index + 1]}\r\n`;
  }
  head = appendOutbound(head, outbound);
  head += `accept: application/json, text/event-stream\r\n${options.forwarded}`;
  if (sessionId !== undefined) head += `${SESSION_ID_HEADER}: ${sessionId}\r\n`;
  if (protocolVersion !== undefined) head += `${PROTOCOL_VERSION_HEADER}: ${protocolVersion}\r\n`;
  if (method === 'POST') {
    head += `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  }
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), Buffer.from(body)]);
}
