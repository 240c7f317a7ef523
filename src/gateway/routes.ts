import type { RouteConfig } from '../config/config.ts';
import { toUpstreamAuthority, toUpstreamOrigin } from '../upstream/target.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { RouteAccess } from './access/route-access.ts';
import type { AnnouncedPaths } from './announced-paths.ts';
import type { Destination } from './exchange.ts';

/** One public path and the server behind it. */
export interface Route {
  readonly path: string;
  readonly access: RouteAccess;
  readonly pool: UpstreamPool;
  readonly upstreamPath: string;
  /** `host: …\r\n` for requests to the upstream. */
  readonly hostLine: string;
  readonly upstreamOrigin: string;
}

/** What the gateway itself answers, beside its routes. */
export interface OwnPaths {
  /** Metadata of protected resources, by path. */
  readonly documents: ReadonlyMap<string, string>;
  /** Exact paths of the authorization server, and prefixes that end with a slash. */
  readonly login: readonly string[];
}

const unknown: Destination = { kind: 'unknown' };
const login: Destination = { kind: 'login' };

/**
 * All paths that exist. Look-up is by the exact text of the target's path, so that no spelling of another
 * path (`%2e`, `//`, `;x`, dot segments) can reach an upstream.
 */
export interface RouteTable {
  readonly routes: readonly Route[];
  find(path: string): Destination;
  /**
   * Opens the path that a server of the deprecated HTTP+SSE transport announced for its messages. Only what an upstream itself
   * announced is ever opened; `undefined` for what is not on the upstream.
   */
  announce(announcement: Announcement): AnnouncedEndpoint | undefined;
}

export interface AnnouncedEndpoint {
  /** For clients. */
  readonly path: string;
  /** Path to which their messages are forwarded. */
  readonly upstreamPath: string;
  /** As the upstream wrote it, with its `?`. */
  readonly query: string;
}

export interface Announcement {
  readonly route: Route;
  /** As the upstream wrote it: relative, or absolute under its own authority or ours. */
  readonly uri: string;
  readonly publicAuthority: string;
}

/** What a route is made of besides its configuration. */
export interface RouteParts {
  readonly pool: UpstreamPool;
  readonly access: RouteAccess;
}

export function createRouteTable(
  configs: readonly RouteConfig[],
  partsOf: (config: RouteConfig) => RouteParts,
  { documents, login: loginPaths, announced }: OwnPaths & { readonly announced: AnnouncedPaths },
): RouteTable {
  const destinations = new Map<string, Destination>([
    ['/healthz', { kind: 'health' }],
    ['/readyz', { kind: 'readiness' }],
    ...loginPaths.filter((path) => !path.endsWith('/')).map((path) => [path, login] as const),
  ]);
  for (const [path, document] of documents) destinations.set(path, { kind: 'resource-metadata', document });
  const loginPrefixes = loginPaths.filter((path) => path.endsWith('/'));
  const isLogin = (path: string): boolean => loginPrefixes.some((prefix) => path.startsWith(prefix));
  const routes = configs.map((config) => buildRoute(config, partsOf(config)));
  for (const route of routes) {
    const destination: Destination = {
      kind: 'mcp',
      route,
      upstreamPath: route.upstreamPath,
      transport: 'streamable-http',
    };
    destinations.set(route.path, destination);
    if (!route.path.endsWith('/')) destinations.set(`${route.path}/`, destination);
  }
  const findAnnounced = (path: string): Destination | undefined => {
    const found = announced.find(path);
    const route = found === undefined ? undefined : routes.find((each) => each.path === found.route);
    if (found === undefined || route === undefined) return undefined;
    return { kind: 'mcp', route, upstreamPath: found.upstreamPath, transport: 'http-sse' };
  };
  return {
    routes,
    find: (path) => destinations.get(path) ?? (isLogin(path) ? login : findAnnounced(path)) ?? unknown,
    announce({ route, uri, publicAuthority }) {
      const upstream = URL.parse(uri, `${route.upstreamOrigin}${route.upstreamPath}`);
      if (upstream === null) return undefined;
      if (!isUpstreamUrl(route, upstream) && upstream.host !== publicAuthority) return undefined;
      const path = toPublicPath(route, upstream.pathname);
      const query = upstream.search;
      if (destinations.has(path)) return { path, upstreamPath: route.upstreamPath, query };
      announced.open(path, { route: route.path, upstreamPath: upstream.pathname });
      return { path, upstreamPath: upstream.pathname, query };
    },
  };
}

function buildRoute(config: RouteConfig, parts: RouteParts): Route {
  return {
    ...parts,
    path: config.path,
    upstreamPath: config.upstream.path,
    hostLine: `host: ${toUpstreamAuthority(config.upstream)}\r\n`,
    upstreamOrigin: toUpstreamOrigin(config.upstream),
  };
}

/** Whether sessions of the route belong to callers, who only then can be told apart. */
export function hasBoundSessions({ access }: Route): boolean {
  return access.check !== undefined;
}

/** Whether a URL names the upstream. Its scheme does not count: uvicorn writes the forwarded one before its own host. */
export function isUpstreamUrl(route: Pick<Route, 'upstreamOrigin'>, url: URL): boolean {
  return url.host === new URL(route.upstreamOrigin).host;
}

/** Maps a path of the upstream to the public side: the two endpoint paths share their last segments and differ in a prefix. */
export function toPublicPath(route: Pick<Route, 'path' | 'upstreamPath'>, path: string): string {
  if (path === route.upstreamPath || path === `${route.upstreamPath}/`) return route.path;
  const ours = route.path === '/' ? [''] : route.path.split('/');
  const theirs = route.upstreamPath.split('/');
  while (ours.length > 1 && theirs.length > 1 && ours.at(-1) === theirs.at(-1)) {
    ours.pop();
    theirs.pop();
  }
  const prefix = theirs.join('/');
  const rest = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  return `${ours.join('/')}${rest}`;
}
