import type { RouteConfig } from '../config/config.ts';
import { toRouteId } from '../config/route-id.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { Clock } from '../lib/clock.ts';
import { UpstreamGroup } from '../upstream/group.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import { createUpstreamServer, toServerKey, type UpstreamServer } from '../upstream/server.ts';
import { Standing } from '../upstream/standing.ts';
import type { UpstreamTarget } from '../upstream/target.ts';
import type { Route } from './routes.ts';

interface ServerSurroundings {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly openPool: (target: UpstreamTarget) => UpstreamPool;
  /** The routes of the configuration before; what a server did under them counts on. */
  readonly before: readonly Route[] | undefined;
}

/**
 * The servers of each route, by its identity. All are opened at once and apart from whatever serves requests: a function that lived on
 * would keep the configuration before, and that one the one before it.
 */
export function openServers(
  routes: readonly RouteConfig[],
  surroundings: ServerSurroundings,
): ReadonlyMap<string, UpstreamGroup<UpstreamServer>> {
  return new Map(routes.map((route) => [toRouteId(route), openGroup(route, surroundings)]));
}

function openGroup(
  config: RouteConfig,
  { clock, deadlines, openPool, before }: ServerSurroundings,
): UpstreamGroup<UpstreamServer> {
  const { upstreams, balance, upstreamLimits: limits } = config;
  const id = toRouteId(config);
  const known = before?.find((route) => route.id === id)?.servers;
  const servers = upstreams.map(({ target, weight }) => {
    // A reload is no way back for one that fails.
    const kept = known?.find(toServerKey(target))?.standing;
    const standing = kept ?? new Standing(deadlines);
    if (kept === undefined && known !== undefined) standing.outlier.startSlowly(clock.monotonic());
    return createUpstreamServer({ pool: openPool(target), weight, limits, standing });
  });
  return new UpstreamGroup(servers, { balance, clock });
}
