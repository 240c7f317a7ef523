import { accessErrorCodes, type AccessErrorCode } from './access-error-codes.ts';
import { acmeErrorCodes, type AcmeErrorCode } from './acme-error-codes.ts';
import { configErrorCodes, type ConfigErrorCode } from './config-error-codes.ts';
import { certsErrorCodes, type CertsErrorCode } from './certs-error-codes.ts';
import type { ErrorEntry } from './error-entry.ts';
import { renderErrorCodes, type RenderErrorCode } from './render-error-codes.ts';
import { startErrorCodes, type StartErrorCode } from './start-error-codes.ts';
import { tlsErrorCodes, type TlsErrorCode } from './tls-error-codes.ts';

export type { ErrorEntry } from './error-entry.ts';

export type ErrorCode =
  | AccessErrorCode
  | AcmeErrorCode
  | CertsErrorCode
  | ConfigErrorCode
  | RenderErrorCode
  | StartErrorCode
  | TlsErrorCode
  | 'E_INTERNAL'
  | 'E_HTTP_BAD_REQUEST'
  | 'E_HTTP_HEAD_TOO_LARGE'
  | 'E_HTTP_URI_TOO_LONG'
  | 'E_HTTP_BODY_TOO_LARGE'
  | 'E_HTTP_VERSION'
  | 'E_HTTP_EXPECTATION'
  | 'E_HTTP_TIMEOUT'
  | 'E_HTTP_CONTENT_ENCODING'
  | 'E_HTTP_CONTENT_TYPE'
  | 'E_ROUTE_UNKNOWN'
  | 'E_METHOD_REFUSED'
  | 'E_HOST_UNKNOWN'
  | 'E_ORIGIN_REFUSED'
  | 'E_PLAIN_HTTP'
  | 'E_AUTH_REQUIRED'
  | 'E_AUTH_INVALID'
  | 'E_MCP_PARSE'
  | 'E_MCP_INVALID'
  | 'E_MCP_HEADER_MISMATCH'
  | 'E_UPSTREAM_UNREACHABLE'
  | 'E_UPSTREAM_CLOSED'
  | 'E_UPSTREAM_BAD_RESPONSE'
  | 'E_UPSTREAM_NO_MESSAGE'
  | 'E_UPSTREAM_TIMEOUT'
  | 'E_UPSTREAM_BROKE_OFF'
  | 'E_UPSTREAM_BUSY'
  | 'E_DRAINING'
  | 'E_OVERLOADED';

/**
 * The one table of everything Breakwater can complain about. It feeds HTTP statuses, JSON-RPC codes,
 * exit codes, `breakwater explain`, the docs page and the tests; nothing else names a status for an error.
 */
export const errorCodes: { readonly [code in ErrorCode]: ErrorEntry } = {
  ...configErrorCodes,
  ...startErrorCodes,
  ...tlsErrorCodes,
  ...acmeErrorCodes,
  ...accessErrorCodes,
  ...certsErrorCodes,
  ...renderErrorCodes,
  E_INTERNAL: {
    title: 'an unexpected failure inside Breakwater',
    explanation:
      'Something happened that Breakwater did not foresee. The request or command was given up; others go on.',
    fix: 'run the command again with `--debug` and report the trace',
    status: 500,
    rpcCode: -32603,
    exit: 1,
  },
  E_HTTP_BAD_REQUEST: {
    title: 'the request is not valid HTTP',
    explanation:
      'Breakwater accepts only a small, strict part of HTTP/1.1 (RFC 9112): one Host, one framing, no folding, no bare CR or LF. What other parsers might read differently is refused and the connection closed, because such differences are how requests are smuggled.',
    fix: 'send a plain HTTP/1.1 request; look at what a proxy or script before Breakwater adds',
    status: 400,
    rpcCode: -32600,
  },
  E_HTTP_HEAD_TOO_LARGE: {
    title: 'the request head is too large',
    explanation: 'The header fields of one request exceed the limit on bytes or on their number.',
    fix: 'shorten the headers, or raise `limits.head` or `limits.fields`',
    status: 431,
    rpcCode: -32600,
  },
  E_HTTP_URI_TOO_LONG: {
    title: 'the request target is too long',
    explanation: 'The request line names a target longer than the limit.',
    fix: 'shorten the URL, or raise `limits.url`',
    status: 414,
    rpcCode: -32600,
  },
  E_HTTP_BODY_TOO_LARGE: {
    title: 'the request body is too large',
    explanation: 'A request body is read whole before it is forwarded, up to a limit.',
    fix: 'send a smaller body, or raise `limits.body`',
    status: 413,
    rpcCode: -32600,
  },
  E_HTTP_VERSION: {
    title: 'the HTTP version is not supported',
    explanation:
      'Only HTTP/1.1 and HTTP/2 are spoken. HTTP/1.0 has no keep-alive and no chunked answers that MCP streams need.',
    fix: 'use a client that speaks HTTP/1.1 or HTTP/2',
    status: 505,
    rpcCode: -32600,
  },
  E_HTTP_EXPECTATION: {
    title: 'the expectation cannot be met',
    explanation: 'The only expectation Breakwater knows is `100-continue` (RFC 9110 section 10.1.1).',
    fix: 'remove the Expect header',
    status: 417,
    rpcCode: -32600,
  },
  E_HTTP_TIMEOUT: {
    title: 'the request did not arrive in time',
    explanation:
      'A client has a limited time to send its head and its body, so that slow senders cannot hold connections.',
    fix: 'look at the network, or raise `timeouts.head` or `timeouts.body`',
    status: 408,
    rpcCode: -32600,
  },
  E_HTTP_CONTENT_ENCODING: {
    title: 'a compressed request body is not supported',
    explanation:
      'A request body must be readable to be classified and authorised, so content codings other than identity are refused.',
    fix: 'send the body uncompressed',
    status: 415,
    rpcCode: -32600,
  },
  E_HTTP_CONTENT_TYPE: {
    title: 'a request body that is not JSON in UTF-8 is not supported',
    explanation:
      'A message is JSON in UTF-8. A server that reads the same bytes as a form, or in another character set, would see another message than the one that was authorised, so a Content-Type that names either is refused.',
    fix: 'write `Content-Type: application/json`',
    status: 415,
    rpcCode: -32600,
  },
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
  E_AUTH_REQUIRED: {
    title: 'a login or an API key is needed',
    explanation:
      'The route is protected and the request carried no bearer token. Where the route offers a login, the challenge leads clients to it (RFC 9728); `breakwater client` prints how each client is set up.',
    fix: 'log in with the client, or send `Authorization: Bearer <key>`',
    status: 401,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_INVALID: {
    title: 'the token or API key is not valid',
    explanation:
      'What the request carried is not a key that counts, nor a token that an accepted issuer made for this URL and that has not ended. For tokens the challenge says which of these it is.',
    fix: 'log in again, or check the key in the client',
    status: 401,
    rpcCode: -32600,
    exit: 3,
  },
  E_MCP_PARSE: {
    title: 'the body is not valid JSON',
    explanation: 'A message to an MCP server is one JSON text in UTF-8 (RFC 8259), nested at most 64 levels.',
    fix: 'send valid JSON',
    status: 400,
    rpcCode: -32700,
  },
  E_MCP_INVALID: {
    title: 'the body is not an unambiguous JSON-RPC message',
    explanation:
      'The message repeats a key, spells an envelope key in another case, or lacks what JSON-RPC 2.0 demands. Two parsers could read it differently, so it is not forwarded.',
    fix: 'send each key once, in the spelling of the specification',
    status: 400,
    rpcCode: -32600,
  },
  E_MCP_HEADER_MISMATCH: {
    title: 'headers and body disagree',
    explanation:
      'In revision 2026-07-28 MCP-Protocol-Version, Mcp-Method and Mcp-Name repeat what the body says, and whoever reads the body must refuse a difference (Streamable HTTP, Request Metadata).',
    fix: 'send headers that equal the body, or update the client',
    status: 400,
    rpcCode: -32020,
  },
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
    fix: "look at the MCP server's log; is the port an HTTP port?",
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
