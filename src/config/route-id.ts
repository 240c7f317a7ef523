import { toBracketedHost } from '../lib/authority.ts';
import { coversName } from '../lib/wildcard-name.ts';
import type { RouteConfig } from './config.ts';
import type { RouteSetting } from './schema/route.ts';

/** What tells a route from all others. */
export type RouteName = Pick<RouteConfig, 'host' | 'path'>;

/**
 * The identity of a route: `/mcp`, or `a.example.com/mcp` where it is for one host. Sessions, limits, access and logs go by it, so that
 * two hosts with one path share none of them. A path begins with a slash and no host has one, so no two routes have the same.
 */
export function toRouteId({ host, path }: RouteName): string {
  return host === undefined ? path : `${toBracketedHost(host)}${path}`;
}

/** The routes that a setting names: one by its identity, or all with a path, whatever their host. */
export function findRoutesByName<Route extends RouteName>(
  routes: readonly Route[],
  name: string,
): readonly Route[] {
  return routes.filter((route) => route.path === name || toRouteId(route) === name);
}

/** What settings may call the routes that are written as one. */
export function listRouteNames({ path, hosts }: Pick<RouteSetting, 'path' | 'hosts'>): readonly string[] {
  return [path, ...hosts.map((host) => toRouteId({ host, path }))];
}

/** Whether requests for the host go to another route of the same path, which names it, and not to this one, which names none. */
export function isTakenHost(routes: readonly RouteName[], path: string, host: string): boolean {
  return routes.some(
    (route) => route.path === path && route.host !== undefined && coversName(route.host, host),
  );
}
