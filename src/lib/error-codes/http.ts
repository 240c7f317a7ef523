import type { ErrorEntry } from '../error-entry.ts';

export type HttpErrorCode =
  | 'E_HTTP_BAD_REQUEST'
  | 'E_HTTP_HEAD_TOO_LARGE'
  | 'E_HTTP_URI_TOO_LONG'
  | 'E_HTTP_BODY_TOO_LARGE'
  | 'E_HTTP_VERSION'
  | 'E_HTTP_EXPECTATION'
  | 'E_HTTP_TIMEOUT'
  | 'E_HTTP_CONTENT_ENCODING'
  | 'E_HTTP_CONTENT_TYPE';

/** `E_HTTP_`: requests that cannot be read. */
export const httpErrorCodes: { readonly [code in HttpErrorCode]: ErrorEntry } = {
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
};
