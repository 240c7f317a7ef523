import type { RouteConfig } from '../config/config.ts';
import { sealedQueryPrefix } from '../sessions/seal-endpoint.ts';
import type { UpstreamGroup } from '../upstream/group.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import type { RouteAccess } from './access/route-access.ts';
import type { AnnouncedPaths } from './announced-paths.ts';
import type { Destination } from './exchange.ts';

/** One public path and the servers behind it, which are copies of one. */
export interface Route {
  readonly path: string;
  readonly access: RouteAccess;
  readonly servers: UpstreamGroup<UpstreamServer>;
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
   * What a POST with a query stands for: on a route whose sessions are sealed, a sealed query makes it a message of HTTP+SSE. So any
   * process that has the key knows the endpoint, whoever announced it.
   */
  findMessage(path: string, query: string): Destination;
  /**
   * Where clients find what a server of the deprecated HTTP+SSE transport announced for its messages: the route itself where sessions
   * are sealed, else a path that is opened for it. Only what an upstream itself announced is ever opened; `undefined` for what is not
   * on the upstream.
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
  readonly server: UpstreamServer;
  /** As the upstream wrote it: relative, or absolute under its own authority or ours. */
  readonly uri: string;
  readonly publicAuthority: string;
}

/** What a route is made of besides its configuration. */
export interface RouteParts {
  readonly servers: UpstreamGroup<UpstreamServer>;
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
  const routes = configs.map((config): Route => ({ ...partsOf(config), path: config.path }));
  for (const route of routes) {
    const destination: Destination = {
      kind: 'mcp',
      route,
      upstreamPath: undefined,
      transport: 'streamable-http',
    };
    destinations.set(route.path, destination);
    if (!route.path.endsWith('/')) destinations.set(`${route.path}/`, destination);
  }
  const messages = new Map(
    routes.map((route): [Route, Destination] => [
      route,
      { kind: 'mcp', route, upstreamPath: undefined, transport: 'http-sse' },
    ]),
  );
  const findAnnounced = (path: string): Destination | undefined => {
    const found = announced.find(path);
    const route = found === undefined ? undefined : routes.find((each) => each.path === found.route);
    if (found === undefined || route === undefined) return undefined;
    return { kind: 'mcp', route, upstreamPath: found.upstreamPath, transport: 'http-sse' };
  };
  const find = (path: string): Destination =>
    destinations.get(path) ?? (isLogin(path) ? login : findAnnounced(path)) ?? unknown;
  return {
    routes,
    find,
    findMessage(path, query) {
      const found = find(path);
      if (found.kind !== 'mcp' || !hasBoundSessions(found.route)) return found;
      return query.startsWith(sealedQueryPrefix) ? (messages.get(found.route) ?? found) : found;
    },
    announce({ route, server, uri, publicAuthority }) {
      const upstream = URL.parse(uri, `${server.origin}${server.path}`);
      if (upstream === null) return undefined;
      if (!isUpstreamUrl(server, upstream) && upstream.host !== publicAuthority) return undefined;
      const query = upstream.search;
      if (hasBoundSessions(route)) return { path: route.path, upstreamPath: upstream.pathname, query };
      const path = toPublicPath(route.path, server.path, upstream.pathname);
      if (destinations.has(path)) return { path, upstreamPath: server.path, query };
      announced.open(path, { route: route.path, upstreamPath: upstream.pathname });
      return { path, upstreamPath: upstream.pathname, query };
    },
  };
}

/**
 * Whether sessions of the route are sealed: where they belong to callers, who only then can be told apart, and where they live on one
 * of several servers, which the seal names.
 */
export function hasBoundSessions({ access, servers }: Route): boolean {
  return access.check !== undefined || servers.isShared;
}

/** Whether a URL names the upstream. Its scheme does not count: uvicorn writes the forwarded one before its own host. */
export function isUpstreamUrl(server: Pick<UpstreamServer, 'origin'>, url: URL): boolean {
  return url.host === new URL(server.origin).host;
}

/**
 * Maps a path of the upstream to the public side. `routePath`, `serverPath`: the two names of the endpoint, which share their last
 * segments and differ in a prefix.
 */
export function toPublicPath(routePath: string, serverPath: string, path: string): string {
  if (path === serverPath || path === `${serverPath}/`) return routePath;
  const ours = routePath === '/' ? [''] : routePath.split('/');
  const theirs = serverPath.split('/');
  while (ours.length > 1 && theirs.length > 1 && ours.at(-1) === theirs.at(-1)) {
    ours.pop();
    theirs.pop();
  }
  const prefix = theirs.join('/');
  const rest = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  return `${ours.join('/')}${rest}`;
}
