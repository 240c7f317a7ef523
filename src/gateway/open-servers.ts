import type { RouteConfig, UpstreamServerConfig } from '../config/config.ts';
import { toRouteId } from '../config/route-id.ts';
import { listServerLists } from '../config/split.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { Clock } from '../lib/clock.ts';
import { UpstreamGroup } from '../upstream/group.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import { createUpstreamServer, toServerKey, type UpstreamServer } from '../upstream/server.ts';
import { Standing } from '../upstream/standing.ts';
import type { UpstreamTarget } from '../upstream/target.ts';
import type { Route, RouteParts } from './routes.ts';

interface ServerSurroundings {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly openPool: (target: UpstreamTarget) => UpstreamPool;
  /** The routes of the configuration before; what a server did under them counts on. */
  readonly before: readonly Route[] | undefined;
}

export type RouteServers = Pick<RouteParts, 'servers' | 'splits'>;

/**
 * The servers of each route, by its identity; routes that are written as one, for several hosts, have the same. All are opened at once
 * and apart from whatever serves requests: a function that lived on would keep the configuration before, and that one the one before it.
 */
export function openServers(
  routes: readonly RouteConfig[],
  surroundings: ServerSurroundings,
): ReadonlyMap<string, RouteServers> {
  const opened = new Map<RouteConfig['upstreams'], RouteServers>();
  return new Map(
    routes.map((route) => {
      const servers = opened.get(route.upstreams) ?? openLists(route, surroundings);
      opened.set(route.upstreams, servers);
      return [toRouteId(route), servers];
    }),
  );
}

/**
 * One group for each list of a route. Each knows all servers of the route, those of other lists without a share of new work, so that a
 * session goes on where it began, whatever the lists say now.
 */
function openLists(
  route: RouteConfig,
  { clock, deadlines, openPool, before }: ServerSurroundings,
): RouteServers {
  const { upstreamLimits: limits, balance } = route;
  const id = toRouteId(route);
  const known = before?.find((each) => each.id === id)?.servers;
  const targets = new Map(
    listServerLists(route).flatMap(({ upstreams }) =>
      upstreams.map(({ target }) => [toServerKey(target), target] as const),
    ),
  );
  const places = [...targets].map(([key, target]) => {
    // A reload is no way back for one that fails.
    const kept = known?.find(key)?.standing;
    const standing = kept ?? new Standing(deadlines);
    if (kept === undefined && known !== undefined) standing.outlier.startSlowly(clock.monotonic());
    return { key, pool: openPool(target), standing };
  });
  const openGroup = (upstreams: readonly UpstreamServerConfig[]): UpstreamGroup<UpstreamServer> => {
    const weights = new Map(upstreams.map(({ target, weight }) => [toServerKey(target), weight]));
    const servers = places.map(({ key, pool, standing }) =>
      createUpstreamServer({ pool, standing, limits, weight: weights.get(key) ?? 0 }),
    );
    return new UpstreamGroup(servers, { balance, clock });
  };
  return {
    servers: openGroup(route.upstreams),
    splits: route.split.map(({ when, upstreams }) => ({ when, servers: openGroup(upstreams) })),
  };
}
