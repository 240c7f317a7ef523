/** An error answer of the gateway's own. */
export interface RpcError {
  /** Raw JSON text of the request's id, or `null`; echoed unchanged. */
  readonly id: string;
  readonly code: number;
  readonly message: string;
  /** Stable name of the cause, for programs; becomes `data.reason`. */
  readonly reason: string;
}

/** A JSON-RPC 2.0 error response (section 5.1) as JSON text on one line. */
export function buildErrorBody(error: RpcError): string {
  const { id, code, message, reason } = error;
  const data = `{"reason":${JSON.stringify(reason)}}`;
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)},"data":${data}}}`;
}

/** The error as last event of a stream that has begun, when no status can be sent any more. */
export function buildErrorEvent(error: RpcError): Buffer {
  return buildMessageEvent(buildErrorBody(error));
}

/**
 * The result that ends a `subscriptions/listen` gracefully (2026-07-28, Subscriptions). `id` is the raw JSON
 * text of the request's id, which is also the subscription's, of the same type.
 */
export function buildListenCompleteEvent(id: string): Buffer {
  const meta = `{"io.modelcontextprotocol/subscriptionId":${id}}`;
  return buildMessageEvent(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":${meta}}}`);
}

/** Tells a client how many milliseconds to wait before it reconnects (2025-11-25, Resumability); no event is dispatched. */
export function buildRetryEvent(milliseconds: number): Buffer {
  return Buffer.from(`retry: ${milliseconds}\n\n`);
}

/** An event with a message of ours. sse-injection: raw ids and JSON strings hold no line breaks, so one `data` line carries it. */
export function buildMessageEvent(json: string): Buffer {
  return Buffer.from(`event: message\ndata: ${json}\n\n`);
}
