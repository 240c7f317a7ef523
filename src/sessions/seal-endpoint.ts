import type { OpenedSession } from './seal.ts';

/** Path and query at the upstream of a message endpoint (HTTP+SSE, 2024-11-05). */
export interface MessageEndpoint {
  /** As the upstream announced it. */
  readonly path: string;
  /** With its `?`, or an empty string. */
  readonly query: string;
}

export type OpenedEndpoint =
  | {
      readonly kind: 'ok';
      /** Path and query at the upstream. */
      readonly target: string;
      readonly upstream: string;
    }
  | { readonly kind: 'unknown' };

/** How the queries of sealed endpoints begin: with the parameter that FastMCP uses. Clients send back the whole URI and never look at it. */
export const sealedQueryPrefix = '?session_id=';

/** Tells endpoints from session ids, which are visible ASCII: what was sealed as the one never opens as the other. */
const mark = '\n';

/**
 * Seals path and query of an announced endpoint as a whole, so that it makes no difference under which name, or in which part of the
 * URI, a server keeps its session id. Returns the query for clients, with its `?`; `undefined` as `seal` does.
 */
export function sealEndpoint(
  endpoint: MessageEndpoint,
  seal: (sessionId: string) => string | undefined,
): string | undefined {
  const sealed = seal(mark + endpoint.path + endpoint.query);
  return sealed === undefined ? undefined : `${sealedQueryPrefix}${sealed}`;
}

/**
 * Opens the query of a POST to an endpoint. Nothing may stand beside the sealed id: a second parameter under another spelling of the
 * name (`session%5Fid`) could be the one that the server reads (parameter pollution).
 */
export function openEndpoint(query: string, open: (text: string) => OpenedSession): OpenedEndpoint {
  if (!query.startsWith(sealedQueryPrefix)) return { kind: 'unknown' };
  const opened = open(query.slice(sealedQueryPrefix.length));
  if (opened.kind === 'unknown' || !opened.sessionId.startsWith(mark)) return { kind: 'unknown' };
  return { kind: 'ok', target: opened.sessionId.slice(mark.length), upstream: opened.upstream };
}
