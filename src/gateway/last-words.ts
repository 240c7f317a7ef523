import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import { buildErrorEvent, buildListenCompleteEvent, buildRetryEvent } from '../mcp/rpc-error.ts';
import { requestId, type Exchange } from './exchange.ts';

/** Reconnects after a shutdown are spread over this range so that they do not arrive together. */
const RETRY_MIN_MILLISECONDS = 1000;
const RETRY_SPREAD_MILLISECONDS = 10_000;

function isListen(exchange: Exchange): boolean {
  return exchange.envelope?.kind === 'request' && exchange.envelope.method === 'subscriptions/listen';
}

/** Whether an event stream has no natural end, as opposed to the answer of a call. */
export function isLongLived(exchange: Exchange): boolean {
  return exchange.request.method === 'GET' || isListen(exchange);
}

/**
 * What a stream ends with when the gateway shuts down: the `complete` result for `subscriptions/listen`
 * (2026-07-28, subscriptions), a `retry` with jitter for the streams of older revisions.
 */
export function buildFarewell(exchange: Exchange, random: () => number): Buffer {
  if (isListen(exchange)) return buildListenCompleteEvent(requestId(exchange));
  return buildRetryEvent(RETRY_MIN_MILLISECONDS + Math.floor(random() * RETRY_SPREAD_MILLISECONDS));
}

/**
 * What a stream ends with when the upstream broke off: an error for the request it answers, or nothing where
 * there is no request, or where event ids were sent and the client resumes instead (2025-11-25, resumability).
 */
export function buildLastWords(
  exchange: Exchange,
  failure: { readonly code: ErrorCode; readonly resumable: boolean },
): Buffer | undefined {
  if (exchange.envelope?.kind !== 'request') return undefined;
  if (failure.resumable && exchange.classification?.era !== 'modern') return undefined;
  const { title, rpcCode = -32603 } = errorCodes[failure.code];
  // The status that the client would have got.
  const status = failure.code === 'E_UPSTREAM_NO_MESSAGE' ? `: HTTP ${exchange.outcome.upstreamStatus}` : '';
  const message = `${title}${status}`;
  return buildErrorEvent({ id: exchange.envelope.id, code: rpcCode, message, reason: failure.code });
}
