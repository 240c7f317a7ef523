import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import { buildErrorBody } from '../mcp/rpc-error.ts';
import { requestId, type Exchange } from './exchange.ts';
import { buildCommonFields, type ResponsePolicy } from './response-fields.ts';

/** An error of the table, as a client is told of it. */
export interface ErrorReply {
  readonly kind: 'error';
  readonly code: ErrorCode;
  /** Added to the title for the client: facts about its own request, never about what lies behind us. */
  readonly detail?: string;
  readonly fields?: readonly string[];
  /** Ends the connection after the answer. */
  readonly close?: boolean;
}

/** An answer of our own. Stages return one to end the exchange. */
export type Reply =
  | ErrorReply
  | { readonly kind: 'empty'; readonly status: number; readonly fields: readonly string[] }
  | { readonly kind: 'json'; readonly status: number; readonly body: string }
  /** A public JSON document, which may be kept for an hour and read by every page. */
  | { readonly kind: 'document'; readonly body: string };

/** For documents that say the same to everyone (Fetch standard, CORS protocol). */
export const openToPages: readonly string[] = ['access-control-allow-origin', '*'];

export function toErrorReply(code: ErrorCode): ErrorReply {
  return { kind: 'error', code };
}

/** Tells a client how to come in (RFC 9110 section 15.5.2: a 401 has to). */
export function buildChallengeReply(
  code: 'E_AUTH_REQUIRED' | 'E_AUTH_INVALID' | 'E_AUTH_SCOPE',
  challenge: string,
): ErrorReply {
  return { kind: 'error', code, fields: ['www-authenticate', challenge] };
}

/** Sends a reply; errors on an MCP route are JSON-RPC errors that carry the request's id (JSON-RPC 2.0 section 5). */
export function sendReply(exchange: Exchange, reply: Reply, policy: ResponsePolicy): void {
  const fields = buildCommonFields(exchange, policy);
  fields.push('date', new Date().toUTCString());
  switch (reply.kind) {
    case 'empty':
      exchange.outcome.status = reply.status;
      exchange.sink.send(reply.status, [...fields, ...reply.fields], '');
      return;
    case 'json':
      fields.push('content-type', 'application/json', 'cache-control', 'no-store');
      send(exchange, { status: reply.status, fields, body: reply.body, close: false });
      return;
    case 'document':
      fields.push('content-type', 'application/json', 'cache-control', 'public, max-age=3600');
      send(exchange, { status: 200, fields: [...fields, ...openToPages], body: reply.body, close: false });
      return;
    case 'error': {
      const { status = 500, rpcCode, title } = errorCodes[reply.code];
      exchange.outcome.code = reply.code;
      fields.push(...(reply.fields ?? []), 'cache-control', 'no-store', 'x-content-type-options', 'nosniff');
      if (status === 503) fields.push('retry-after', '5');
      const message = reply.detail === undefined ? title : `${title}: ${reply.detail}`;
      const isRpc = exchange.destination.kind === 'mcp' && rpcCode !== undefined;
      fields.push('content-type', isRpc ? 'application/json' : 'text/plain; charset=utf-8');
      const body = isRpc
        ? buildErrorBody({ id: requestId(exchange), code: rpcCode, message, reason: reply.code })
        : `${reply.code}: ${message}\n`;
      send(exchange, { status, fields, body, close: reply.close ?? false });
    }
  }
}

function send(
  exchange: Exchange,
  answer: { status: number; fields: readonly string[]; body: string; close: boolean },
): void {
  const body = Buffer.from(answer.body);
  exchange.outcome.status = answer.status;
  exchange.outcome.bytes = body.length;
  exchange.sink.send(answer.status, answer.fields, body, answer.close);
}
