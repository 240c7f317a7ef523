import { serverPaths } from './server-metadata.ts';

/**
 * The provider sets two cookies a login flow, told apart by their path. Cookies with the `__Host-` prefix, which no other host of the
 * domain can plant, must have the path `/`: so the flow's id goes into the name instead, and several flows fit into one browser.
 */
const flowCookie = /^(bw-(?:interaction|resume))((?:\.sig)?)=/;
const flowPath = /^\/oauth\/(?:interaction|authorize)\/([\w-]{1,64})(?:\/|$)/;
const MAX_FLOWS = 8;

export const cookieNames = {
  session: '__Host-bw-session',
  interaction: 'bw-interaction',
  resume: 'bw-resume',
} as const;

/** The id of the flow that a path belongs to. */
export function flowOf(path: string): string | undefined {
  return flowPath.exec(path)?.[1];
}

/** Gives the provider the cookies of one flow under the names that it knows. */
export function toProviderCookies(header: string | undefined, uid: string | undefined): string {
  const result: string[] = [];
  for (const cookie of splitCookies(header)) {
    // The plain names are ours alone; from outside they mean nothing.
    if (flowCookie.test(cookie)) continue;
    const [, name, flow, rest] =
      /^__Host-(bw-(?:interaction|resume))\.([\w-]{1,64}?)((?:\.sig)?=.*)$/.exec(cookie) ?? [];
    if (flow === undefined) result.push(cookie);
    else if (flow === uid) result.push(`${name}${rest}`);
  }
  return result.join('; ');
}

/** Gives the browser the cookies of a flow under names of their own. */
export function toBrowserCookies(cookies: readonly string[]): string[] {
  return cookies.map((cookie) => {
    const path = /; path=([^;]+)/i.exec(cookie)?.[1] ?? '/';
    const uid = flowOf(path);
    if (!flowCookie.test(cookie) || uid === undefined) return cookie;
    return cookie.replace(flowCookie, `__Host-$1.${uid}$2=`).replace(/; path=[^;]+/i, '; path=/');
  });
}

/** Takes away the cookies of the oldest flows where there are many, before the header grows too long. */
export function pruneFlows(header: string | undefined): string[] {
  const names = splitCookies(header)
    .map((cookie) => cookie.slice(0, cookie.indexOf('=')))
    .filter((name) => /^__Host-bw-(?:interaction|resume)\./.test(name));
  const surplus = names.length - MAX_FLOWS * 4;
  if (surplus <= 0) return [];
  // Browsers send cookies of one path in the order in which they were made (RFC 6265 §5.4).
  return names.slice(0, surplus).map((name) => `${name}=; path=/; max-age=0; secure; httponly; samesite=lax`);
}

function splitCookies(header: string | undefined): readonly string[] {
  return (header ?? '').split(/; ?/).filter((cookie) => cookie !== '');
}

/** The path under which the cookie of a flow is set. */
export function interactionPath(uid: string): string {
  return `${serverPaths.interaction}/${uid}`;
}
