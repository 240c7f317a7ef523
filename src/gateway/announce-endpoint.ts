import type { Exchange } from './exchange.ts';
import type { RelayEnvironment } from './relay-environment.ts';
import type { SessionPlace } from './session-names.ts';

/** The URI for clients of a message endpoint that the server of a place announced; `undefined` leaves the server's. */
export function announceEndpoint(
  { routes, sessions }: Pick<RelayEnvironment, 'routes' | 'sessions'>,
  exchange: Exchange,
  { route, server, uri }: SessionPlace & { readonly uri: string },
): string | undefined {
  const endpoint = routes.announce({ route, server, uri, publicAuthority: exchange.request.authority });
  if (endpoint === undefined) return undefined;
  const { path, upstreamPath, query } = endpoint;
  const ownQuery = sessions.forEndpoint(exchange, { route, server }, { path: upstreamPath, query });
  return ownQuery === undefined ? undefined : `${path}${ownQuery}`;
}
