import type { RequestHandler } from '../../http/exchange.ts';
import { errorCodes } from '../../lib/error-codes.ts';
import type { RouteTable } from '../routes.ts';
import { readQuestion } from './question.ts';

const plainText = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'];
/** A verifier sees a new key a day before its first use. */
const json = ['content-type', 'application/json', 'cache-control', 'max-age=3600'];

export interface AuthzOptions {
  readonly routes: Pick<RouteTable, 'find'>;
  /** The keys that tokens for upstreams are signed with (RFC 7517); `undefined` where none are. */
  readonly jwks: (() => object) | undefined;
  /** Takes a request through the stages as if it had come itself. */
  readonly ask: RequestHandler;
}

const JWKS_PATH = '/.well-known/jwks.json';

/**
 * Answers on the loopback listener that another proxy asks (`auth_request` of nginx, `forward_auth` of Caddy, `ext_authz` of Envoy), and
 * to which it passes the paths of OAuth. The keys are there for upstreams, which check with them what the gateway says of callers.
 */
export function createAuthzHandler({ routes, jwks, ask }: AuthzOptions): RequestHandler {
  return (request, sink) => {
    const question = readQuestion(request);
    switch (question.kind) {
      case 'unclear':
        sink.send(403, plainText, 'E_ACCESS_DENIED: it is not clear which request is asked about\n', true);
        return;
      case 'question':
        // A preflight carries no credentials, and a yes would take it to the MCP server; the proxy answers it itself.
        if (question.asked.method === 'OPTIONS')
          sink.send(403, plainText, `E_ACCESS_DENIED: ${errorCodes.E_ACCESS_DENIED.title}\n`);
        else ask(question.asked, sink);
        return;
      case 'other':
        if (jwks !== undefined && request.path === JWKS_PATH) sink.send(200, json, JSON.stringify(jwks()));
        else if (routes.find(question.asked).kind === 'mcp')
          sink.send(404, plainText, `E_ROUTE_UNKNOWN: ${errorCodes.E_ROUTE_UNKNOWN.title}\n`, true);
        else ask(question.asked, sink);
    }
  };
}
