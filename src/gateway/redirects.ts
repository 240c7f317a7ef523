import { fieldValue } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import { isUpstreamUrl } from './routes.ts';

export interface RedirectContext {
  readonly server: UpstreamServer;
  /** Path and query that were asked for. */
  readonly target: string;
  /** Authority under which the client asked. */
  readonly publicAuthority: string;
}

/**
 * Path and query to which an answer with 307 or 308 leads within its server. The gateway follows it itself: clients lose the body or
 * the login on it. `undefined` for all other answers.
 */
export function findRedirect(head: ResponseHead, context: RedirectContext): string | undefined {
  if (head.status !== 307 && head.status !== 308) return undefined;
  const location = fieldValue(head.fields, 'location');
  if (location === undefined) return undefined;
  const { server, target, publicAuthority } = context;
  const url = URL.parse(location, `${server.origin}${target}`);
  if (url === null) return undefined;
  // Servers build absolute redirects from their own authority or from the forwarded one.
  const isWithin = isUpstreamUrl(server, url) || url.host === publicAuthority;
  return isWithin ? `${url.pathname}${url.search}` : undefined;
}
