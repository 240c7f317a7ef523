import type { ErrorEntry } from '../error-entry.ts';

export type RequestErrorCode =
  | 'E_ROUTE_UNKNOWN'
  | 'E_METHOD_REFUSED'
  | 'E_HOST_UNKNOWN'
  | 'E_ORIGIN_REFUSED'
  | 'E_PLAIN_HTTP'
  | 'E_ACCESS_DENIED'
  | 'E_RATE_LIMITED'
  | 'E_SESSION_UNKNOWN'
  | 'E_SESSIONS_FULL'
  | 'E_DRAINING'
  | 'E_OVERLOADED';

/** Why a request that reads well is not served: where it goes, what its caller may do, how often and in which session, and whether there is room. */
export const requestErrorCodes: { readonly [code in RequestErrorCode]: ErrorEntry } = {
  E_ROUTE_UNKNOWN: {
    title: 'there is nothing at this path',
    explanation:
      'Only the configured paths exist, exactly as written, with or without one trailing slash, and those of routes with a `host` at that host alone. Paths below, beside or spelled differently are never forwarded.',
    fix: 'check the path and the host in the client, or add a route',
    status: 404,
  },
  E_METHOD_REFUSED: {
    title: 'the method is not allowed here',
    explanation: 'An MCP endpoint answers GET, POST, DELETE and OPTIONS.',
    fix: 'use one of the methods in the Allow header',
    status: 405,
    rpcCode: -32600,
  },
  E_HOST_UNKNOWN: {
    title: 'this host name is not served here',
    explanation:
      'The Host header names an authority that is not configured. Accepting any name would let a DNS-rebinding page reach the server.',
    fix: 'add the name to `domains` or `hosts`',
    status: 421,
    rpcCode: -32600,
  },
  E_ORIGIN_REFUSED: {
    title: 'this origin is not allowed',
    explanation:
      'A browser page sent the request from an origin that is not on the allow-list. Without this check any web page could call the tools (DNS rebinding).',
    fix: 'add the origin to `origins`',
    status: 403,
    rpcCode: -32600,
  },
  E_PLAIN_HTTP: {
    title: 'this endpoint is served over HTTPS only',
    explanation:
      'Tokens and arguments must not cross the network in the clear, so calls over plain HTTP are refused instead of redirected.',
    fix: 'use the https:// URL',
    status: 403,
    rpcCode: -32600,
  },
  E_ACCESS_DENIED: {
    title: 'the rules do not allow this',
    explanation:
      'The route has rules, and the first that fits the caller and the operation denies it, or none allows it. No further scope would help.',
    fix: 'run `breakwater check --explain-access USER TOOL` to see which rule decides',
    status: 403,
    rpcCode: -31403,
    exit: 3,
  },
  E_RATE_LIMITED: {
    title: 'too many requests',
    explanation:
      'A limit on requests or on how many run at the same time is reached, for this caller, client, address, route or tool. Each message of a batch counts, so one with more messages than the limit lets in never fits.',
    fix: 'wait as long as Retry-After says, or raise the limit',
    status: 429,
    rpcCode: -31429,
  },
  E_SESSION_UNKNOWN: {
    title: 'there is no such session',
    explanation:
      'The session has ended, it belongs to another caller, or the server that had it is not configured any more. MCP clients begin a new one on this answer (Streamable HTTP, Session Management).',
    fix: 'begin a new session',
    status: 404,
    rpcCode: -32001,
  },
  E_SESSIONS_FULL: {
    title: 'there is no room for another session',
    explanation:
      'The gateway holds as many sessions as `sessions.live` allows, and all of them have a call or a stream open. Sessions that are not in use make room by themselves.',
    fix: 'try again as Retry-After says, or raise `sessions.live`',
    status: 503,
    rpcCode: -31503,
  },
  E_DRAINING: {
    title: 'Breakwater is shutting down',
    explanation: 'New requests are not taken while running ones finish.',
    fix: 'try again in a moment',
    status: 503,
    rpcCode: -31503,
  },
  E_OVERLOADED: {
    title: 'Breakwater is at its limit',
    explanation: 'A cap on memory or connections is reached.',
    fix: 'try again later, or raise the caps under `limits`',
    status: 503,
    rpcCode: -31503,
  },
};
