import type { OpenedSession } from './seal.ts';

/** Path and query at the upstream of a message endpoint (HTTP+SSE, 2024-11-05). */
export interface MessageEndpoint {
  /** As the upstream announced it. */
  readonly path: string;
  /** With its `?`, or an empty string. */
  readonly query: string;
}

/** A message that was posted to an endpoint. */
export interface EndpointRequest {
  /** With its `?`, or an empty string. */
  readonly query: string;
  /** Whether the path of the request stands for this one of the upstream. */
  isItsPath(path: string, upstream: string): boolean;
}

export type OpenedEndpoint =
  | {
      readonly kind: 'ok';
      /** At the upstream. */
      readonly path: string;
      /** The upstream's own, with its `?`, or an empty string. */
      readonly query: string;
      readonly upstream: string;
    }
  | { readonly kind: 'unknown' };

/** How the queries of sealed endpoints begin: with the parameter that FastMCP uses. Clients send back the whole URI and never look at it. */
export const sealedQueryPrefix = '?session_id=';

/**
 * Seals path and query of an announced endpoint as a whole, so that it makes no difference under which name, or in which part of the
 * URI, a server keeps its session id. Returns the query for clients, with its `?`; `undefined` as `seal` does.
 */
export function sealEndpoint(
  endpoint: MessageEndpoint,
  seal: (sessionId: string) => string | undefined,
): string | undefined {
  const sealed = seal(endpoint.path + endpoint.query);
  return sealed === undefined ? undefined : `${sealedQueryPrefix}${sealed}`;
}

/**
 * Opens the query of a POST to an endpoint, and returns the upstream's own path and query. Nothing may stand beside the sealed id: a second parameter
 * under another spelling of the name (`session%5Fid`) could be the one that the server reads (parameter pollution).
 */
export function openEndpoint(
  request: EndpointRequest,
  open: (text: string) => OpenedSession,
): OpenedEndpoint {
  if (!request.query.startsWith(sealedQueryPrefix)) return { kind: 'unknown' };
  const opened = open(request.query.slice(sealedQueryPrefix.length));
  if (opened.kind === 'unknown') return opened;
  const { sessionId, upstream } = opened;
  const mark = sessionId.indexOf('?');
  const path = mark < 0 ? sessionId : sessionId.slice(0, mark);
  // What was sealed for one path, or as a Mcp-Session-Id, opens no other.
  if (!request.isItsPath(path, upstream)) return { kind: 'unknown' };
  return { kind: 'ok', path, query: sessionId.slice(path.length), upstream };
}
