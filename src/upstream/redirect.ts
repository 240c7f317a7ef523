import { fieldValue } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { isUpstreamUrl } from './target.ts';

/** Redirects in a row that are followed within a server, by calls as by checks, so that both see the same of it. */
export const MAX_REDIRECTS = 3;

export interface RedirectContext {
  /** Scheme and authority of the server, as `toUpstreamOrigin` writes them. */
  readonly origin: string;
  /** Path and query that were asked for. */
  readonly target: string;
  /** Authority under which the client asked, where there is one. */
  readonly publicAuthority?: string;
}

/**
 * Path and query to which an answer with 307 or 308 leads within its server. It is followed here: clients lose the body or the login
 * on it. `undefined` for all other answers.
 */
export function findRedirect(head: ResponseHead, context: RedirectContext): string | undefined {
  if (head.status !== 307 && head.status !== 308) return undefined;
  const location = fieldValue(head.fields, 'location');
  if (location === undefined) return undefined;
  const { origin, target, publicAuthority } = context;
  const url = URL.parse(location, `${origin}${target}`);
  if (url === null) return undefined;
  // Servers build absolute redirects from their own authority or from the forwarded one.
  const isWithin = isUpstreamUrl(context, url) || url.host === publicAuthority;
  return isWithin ? `${url.pathname}${url.search}` : undefined;
}
