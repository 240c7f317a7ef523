import { fail, ok, type Result } from '../../lib/result.ts';

/** A redirect URI that keeps the rules; whether a client registered it is another question. */
export interface RedirectUri {
  /**
   * `web`: an https site. `loopback`: a program on the user's own machine (RFC 8252 section 7.3), where any port fits.
   * `app`: a private-use scheme that the operating system gives to some program (RFC 8252 section 7.1).
   */
  readonly kind: 'web' | 'loopback' | 'app';
  readonly text: string;
  readonly url: URL;
}

/** `unlisted` is harmless: an app that nobody allowed here. The others break a rule that holds everywhere. */
export type RedirectRefusal =
  | 'malformed'
  | 'userinfo'
  | 'fragment'
  | 'dot-segments'
  | 'forbidden-scheme'
  | 'plain-http'
  | 'unlisted';

/** Private-use redirects of well-known clients. An entry that ends with a slash stands for all below it. */
const knownApps: readonly string[] = [
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'claude://claude.ai/mcp-auth-callback/',
];

/** Schemes that run or show content instead of giving it to a program, wherever the browser stands; no list allows them. */
const forbiddenSchemes: ReadonlySet<string> = new Set([
  'about:',
  'blob:',
  'data:',
  'file:',
  'filesystem:',
  'ftp:',
  'intent:',
  'jar:',
  'javascript:',
  'mailto:',
  'ms-appx:',
  'ms-appx-web:',
  'res:',
  'vbscript:',
  'view-source:',
  'ws:',
  'wss:',
]);

/**
 * Not all of 127.0.0.0/8: programs listen on the two addresses that RFC 8252 section 7.3 names, and many say `localhost` (section 8.3).
 * What no program needs would only be one more place to send codes to.
 */
const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const longest = 2048;

/**
 * Judges a redirect URI by itself: https, or http on loopback, or a private-use scheme that is listed here or in
 * `allowed` (exact URIs, and prefixes that end with a slash). Only one spelling of each URI passes.
 */
export function parseRedirectUri(
  text: string,
  allowed: readonly string[],
): Result<RedirectUri, RedirectRefusal> {
  // open-redirect: white space, control characters, backslashes and what is not ASCII is read differently by each browser.
  if (text.length > longest || !/^[\x21-\x5b\x5d-\x7e]+$/.test(text)) return fail('malformed');
  const url = URL.parse(text);
  if (url === null) return fail('malformed');
  if (forbiddenSchemes.has(url.protocol)) return fail('forbidden-scheme');
  if (text.includes('#')) return fail('fragment');
  if (url.username !== '' || url.password !== '' || /^[^/?]*\/\/[^/?]*@/.test(text)) return fail('userinfo');
  if (/^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(text)) return fail('dot-segments');
  if (url.protocol === 'https:' || url.protocol === 'http:') return parseWebRedirect(text, url);
  return isListed(text, [...knownApps, ...allowed]) ? ok({ kind: 'app', text, url }) : fail('unlisted');
}

/**
 * True when a client that registered one URI may be sent to the other: the same text, or loopback URIs that differ in
 * nothing but the port (RFC 8252 section 7.3), which programs cannot know beforehand.
 */
function isSameRedirect(requested: RedirectUri, registered: RedirectUri): boolean {
  if (requested.text === registered.text) return true;
  if (requested.kind !== 'loopback' || registered.kind !== 'loopback') return false;
  return withoutPort(requested.url) === withoutPort(registered.url);
}

export interface RedirectQuestion {
  readonly requested: string;
  /** The redirect URIs of the client. */
  readonly registered: readonly string[];
  /** Further private-use redirects, as for `parseRedirectUri`. */
  readonly allowed: readonly string[];
}

/** The parsed form of the requested URI if the client may be sent there, and `undefined` otherwise. */
export function findRegisteredRedirect(question: RedirectQuestion): RedirectUri | undefined {
  const { registered, allowed } = question;
  const requested = parseRedirectUri(question.requested, allowed);
  if (!requested.ok) return undefined;
  const isRegistered = registered.some((text) => {
    const known = parseRedirectUri(text, allowed);
    return known.ok && isSameRedirect(requested.value, known.value);
  });
  return isRegistered ? requested.value : undefined;
}

function parseWebRedirect(text: string, url: URL): Result<RedirectUri, RedirectRefusal> {
  // A lone host may lack its slash; everything else is written as the URL parser writes it.
  if (url.href !== text && url.href !== `${text}/`) return fail('malformed');
  if (url.port === '0' || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(url.hostname)) return fail('malformed');
  if (url.protocol === 'https:') return ok({ kind: 'web', text, url });
  return loopbackHosts.has(url.hostname) ? ok({ kind: 'loopback', text, url }) : fail('plain-http');
}

function isListed(text: string, entries: readonly string[]): boolean {
  return entries.some((entry) => (entry.endsWith('/') ? text.startsWith(entry) : text === entry));
}

function withoutPort(url: URL): string {
  const copy = new URL(url);
  copy.port = '';
  return copy.href;
}
