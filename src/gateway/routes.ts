import { rootMetadataPath, toMetadataPaths } from '../auth/resource/metadata.ts';
import type { RouteConfig } from '../config/config.ts';
import type { SplitCondition } from '../config/split-config.ts';
import { toRouteId } from '../config/route-id.ts';
import type { IncomingRequest } from '../http/exchange.ts';
import { sealedQueryPrefix } from '../sessions/seal-endpoint.ts';
import type { UpstreamGroup } from '../upstream/group.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import { isUpstreamUrl } from '../upstream/target.ts';
import type { RouteAccess } from './access/route-access.ts';
import type { AnnouncedPaths } from './announced-paths.ts';
import type { Destination, McpDestination } from './exchange.ts';
import { HostSites } from './host-sites.ts';
import { compileSplit, type SplitTest } from './split-test.ts';

/** One public path, of one host or of any, and the servers behind it, which are copies of one. */
export interface Route {
  /** What sessions, limits, access and logs know it by; see `toRouteId`. */
  readonly id: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly access: RouteAccess;
  readonly servers: UpstreamGroup<UpstreamServer>;
  /** Where some messages go in their place; the first that fits decides. Empty in the route of a split itself. */
  readonly splits: readonly RouteSplit[];
}

/** Servers of a route for some messages: the same route, with the same sessions, whose new work other servers get. */
export interface RouteSplit {
  readonly fits: SplitTest;
  readonly destination: McpDestination;
}

/** What the gateway itself answers, beside its routes. */
export interface OwnPaths {
  /** Metadata of protected resources, by path, behind the host where their route has one: as `toRouteId` writes it. */
  readonly documents: ReadonlyMap<string, string>;
  /** Exact paths of the authorization server, and prefixes that end with a slash. */
  readonly login: readonly string[];
}

/** What a request is looked up by. */
export type RequestPlace = Pick<IncomingRequest, 'authority' | 'path'>;

const unknown: Destination = { kind: 'unknown' };
const login: Destination = { kind: 'login' };

/**
 * All paths that exist. Look-up is by the exact text of the target's path, so that no spelling of another
 * path (`%2e`, `//`, `;x`, dot segments) can reach an upstream; and of its host, whatever its port. What is for a host comes before what
 * is for any, which leaves the rest of the host's paths as they are.
 */
export interface RouteTable {
  readonly routes: readonly Route[];
  find(place: RequestPlace): Destination;
  /**
   * What a POST with a query stands for: on a route whose sessions are sealed, a sealed query makes it a message of HTTP+SSE. So any
   * process that has the key knows the endpoint, whoever announced it.
   */
  toMessage(destination: Destination, query: string): Destination;
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

/** An entry of `split`, and its servers. */
export interface SplitParts {
  readonly when: SplitCondition;
  readonly servers: UpstreamGroup<UpstreamServer>;
}

/** What a route is made of besides its configuration. */
export interface RouteParts {
  readonly servers: UpstreamGroup<UpstreamServer>;
  readonly splits: readonly SplitParts[];
  readonly access: RouteAccess;
}

/**
 * Says what is behind each path: the routes, and what Breakwater answers itself. `partsOf` is asked once for each route, and what it throws
 * comes through: a TypeError where something of a route was not opened.
 */
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
  const loginPrefixes = loginPaths.filter((path) => path.endsWith('/'));
  const isLogin = (path: string): boolean => loginPrefixes.some((prefix) => path.startsWith(prefix));
  const routes = configs.map((config) => buildRoute(config, partsOf(config)));
  const sites = new HostSites();
  const pathsOf = ({ host }: Pick<Route, 'host'>): Map<string, Destination> =>
    host === undefined ? destinations : sites.open(host);
  for (const { host, path } of routes) {
    // Metadata of another resource must not answer for a route that has none.
    if (host === undefined) continue;
    for (const at of [rootMetadataPath, ...toMetadataPaths(path)]) sites.open(host).set(at, unknown);
  }
  for (const [place, document] of documents) {
    const path = place.slice(place.indexOf('/'));
    const host = place.slice(0, -path.length);
    const site = host === '' ? destinations : sites.open(host);
    site.set(path, { kind: 'resource-metadata', document });
  }
  for (const route of routes) {
    const destination = toDestination(route);
    const paths = pathsOf(route);
    paths.set(route.path, destination);
    if (!route.path.endsWith('/')) paths.set(`${route.path}/`, destination);
  }
  const messages = new Map(
    routes.map((route): [Route, McpDestination] => [
      route,
      { ...toDestination(route), transport: 'http-sse' },
    ]),
  );
  const byId = new Map(routes.map((route) => [route.id, route]));
  const findAnnounced = (place: string): Destination | undefined => {
    const found = announced.find(place);
    const route = found === undefined ? undefined : byId.get(found.route);
    if (found === undefined || route === undefined) return undefined;
    return { kind: 'mcp', route, upstreamPath: found.upstreamPath, transport: 'http-sse' };
  };
  const findConfigured = (path: string): Destination | undefined =>
    destinations.get(path) ?? (isLogin(path) ? login : undefined);
  const findAnywhere = (path: string): Destination => findConfigured(path) ?? findAnnounced(path) ?? unknown;
  const findForHost = ({ authority, path }: RequestPlace): Destination => {
    const own = sites.find(authority);
    for (const { paths } of own) {
      const found = paths.get(path);
      if (found !== undefined) return found;
    }
    const common = findConfigured(path);
    if (common !== undefined) return common;
    // path-takeover: what an upstream announced comes behind all that is configured, for whatever host.
    for (const { host } of own) {
      const found = findAnnounced(toRouteId({ host, path }));
      if (found !== undefined) return found;
    }
    return findAnnounced(path) ?? unknown;
  };
  return {
    routes,
    find: sites.isEmpty ? ({ path }) => findAnywhere(path) : findForHost,
    toMessage(destination, query) {
      if (destination.kind !== 'mcp' || !hasBoundSessions(destination.route)) return destination;
      return query.startsWith(sealedQueryPrefix)
        ? (messages.get(destination.route) ?? destination)
        : destination;
    },
    announce({ route, server, uri, publicAuthority }) {
      const upstream = URL.parse(uri, `${server.origin}${server.path}`);
      if (upstream === null) return undefined;
      if (!isUpstreamUrl(server, upstream) && upstream.host !== publicAuthority) return undefined;
      const query = upstream.search;
      if (hasBoundSessions(route)) return { path: route.path, upstreamPath: upstream.pathname, query };
      const path = toPublicPath(route.path, server.path, upstream.pathname);
      if (destinations.has(path) || pathsOf(route).has(path))
        return { path, upstreamPath: server.path, query };
      announced.open(toRouteId({ host: route.host, path }), {
        route: route.id,
        upstreamPath: upstream.pathname,
      });
      return { path, upstreamPath: upstream.pathname, query };
    },
  };
}

function buildRoute(config: RouteConfig, { servers, splits, access }: RouteParts): Route {
  const { host, path } = config;
  const route: Route = { id: toRouteId(config), host, path, access, servers, splits: [] };
  return {
    ...route,
    splits: splits.map((split) => ({
      fits: compileSplit(split.when),
      destination: toDestination({ ...route, servers: split.servers }),
    })),
  };
}

function toDestination(route: Route): McpDestination {
  return { kind: 'mcp', route, upstreamPath: undefined, transport: 'streamable-http' };
}

/**
 * Whether sessions of the route are sealed: where they belong to callers, who only then can be told apart, and where they live on one
 * of several servers, which the seal names.
 */
export function hasBoundSessions({ access, servers }: Route): boolean {
  return access.check !== undefined || servers.isShared;
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
