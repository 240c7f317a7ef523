import type { ErrorEntry } from '../error-entry.ts';

export type UpstreamErrorCode =
  | 'E_UPSTREAM_UNREACHABLE'
  | 'E_UPSTREAM_CLOSED'
  | 'E_UPSTREAM_BAD_RESPONSE'
  | 'E_UPSTREAM_NO_MESSAGE'
  | 'E_UPSTREAM_TIMEOUT'
  | 'E_UPSTREAM_BROKE_OFF'
  | 'E_UPSTREAM_BUSY'
  | 'E_UPSTREAM_CREDENTIALS';

/** `E_UPSTREAM_`: MCP servers behind the gateway. */
export const upstreamErrorCodes: { readonly [code in UpstreamErrorCode]: ErrorEntry } = {
  E_UPSTREAM_UNREACHABLE: {
    title: 'the MCP server cannot be reached',
    explanation: 'No connection to the upstream could be made. The request was not delivered.',
    fix: 'start the MCP server, or correct `upstream`',
    status: 502,
    rpcCode: -31502,
    exit: 4,
  },
  E_UPSTREAM_CLOSED: {
    title: 'the MCP server closed the connection before it answered',
    explanation:
      'The upstream went away after it was sent the request. The request may have been executed, so it is not repeated.',
    fix: "look at the MCP server's log",
    status: 502,
    rpcCode: -31502,
  },
  E_UPSTREAM_BAD_RESPONSE: {
    title: "the MCP server's answer is not valid HTTP",
    explanation:
      'The upstream answered with something that is not strict HTTP/1.1 and cannot be relayed safely.',
    fix: "look at the MCP server's log, and check that the port speaks HTTP",
    status: 502,
    rpcCode: -31502,
  },
  E_UPSTREAM_NO_MESSAGE: {
    title: 'what the MCP server sent late is no answer to the request',
    explanation:
      'The server had been silent for longer than `keep_alive.json`, so the answer had begun as an event stream. What came then was no JSON-RPC answer to the request: an error page, an empty or compressed body, another type, or another id. Its HTTP status could not be passed on any more; the message names it, and the access record has it as `upstream_status`.',
    fix: "look at the MCP server's log, or raise `keep_alive.json`",
    status: 502,
    rpcCode: -31502,
  },
  E_UPSTREAM_TIMEOUT: {
    title: 'the MCP server did not accept the connection in time',
    explanation: 'Connecting to the upstream took longer than `timeouts.connect`.',
    fix: 'check that the address is right and not filtered',
    status: 504,
    rpcCode: -31504,
    exit: 4,
  },
  E_UPSTREAM_BROKE_OFF: {
    title: 'the MCP server broke off its answer',
    explanation:
      'The upstream went away in the middle of an event stream. The call may or may not have been executed.',
    fix: "look at the MCP server's log, then call again",
    status: 502,
    rpcCode: -31502,
  },
  E_UPSTREAM_BUSY: {
    title: 'the MCP server is busy',
    explanation:
      'It has as many connections as `upstream_limits.connections` allows, and no place in the queue was free, or none came free within `queue_timeout`. The request was not delivered.',
    fix: 'try again in a moment, raise `upstream_limits`, or add a copy of the server to `upstream`',
    status: 503,
    rpcCode: -31503,
  },
  E_UPSTREAM_CREDENTIALS: {
    title: 'the gateway has no credentials for the MCP server',
    explanation:
      "The route's `credentials` ask for a token from another token endpoint (RFC 8693). That endpoint does not answer, refuses, or the caller has no token that could be exchanged. The request was not delivered.",
    fix: "look at the gateway's log for the reason, and check the route's `credentials`",
    status: 502,
    rpcCode: -31502,
  },
};
