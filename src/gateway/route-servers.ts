import type { RouteConfig } from '../config/config.ts';
import { toRouteId } from '../config/route-id.ts';
import { listServerLists, mayHaveSeveralServers, type ServerList } from '../config/split.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { Clock } from '../lib/clock.ts';
import type { Lease } from '../lib/leases.ts';
import { UpstreamGroup } from '../upstream/group.ts';
import type { HealthChecker } from '../upstream/health/health-checker.ts';
import type { HealthChecks } from '../upstream/health/health-checks.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { AddressWatch } from '../upstream/resolve/address-watch.ts';
import { createUpstreamServer, toServerKey, type UpstreamServer } from '../upstream/server.ts';
import { Standing } from '../upstream/standing.ts';
import type { UpstreamTarget } from '../upstream/target.ts';
import type { SplitParts } from './routes.ts';

export interface ServerMeans {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly openPool: (target: UpstreamTarget) => UpstreamPool;
  readonly checks: HealthChecks;
  readonly watchName: (host: string) => Lease<AddressWatch>;
  /** Called when a name has other addresses, after which `pools` are others. */
  readonly onChange: () => void;
}

type ServersConfig = Pick<RouteConfig, 'upstreams' | 'split' | 'balance' | 'upstreamLimits' | 'health'>;

/**
 * The servers of each route, by its identity; routes that are written as one, for several hosts, have the same. `before`: those of the
 * configuration before; what a server did so far counts on. All are opened at once and apart from whatever serves requests: a function
 * that lived on would keep the configuration before, and that one the one before it.
 */
export function openRouteServers(
  routes: readonly RouteConfig[],
  { before, ...means }: ServerMeans & { readonly before: ReadonlyMap<string, RouteServers> | undefined },
): ReadonlyMap<string, RouteServers> {
  const opened = new Map<RouteConfig['upstreams'], RouteServers>();
  return new Map(
    routes.map((route) => {
      const id = toRouteId(route);
      const servers = opened.get(route.upstreams) ?? new RouteServers(route, means, before?.get(id)?.group);
      opened.set(route.upstreams, servers);
      return [id, servers];
    }),
  );
}

/**
 * An address that has come gets no new work for so long while there are others: workers and replicas resolve by themselves, and a
 * session that begins there has to find it everywhere. Names are resolved every ten seconds, and caches lag behind.
 */
const NEW_MILLISECONDS = 20_000;

/** A server as one list has it. */
interface ListedServer {
  readonly target: UpstreamTarget;
  readonly weight: number;
  readonly newUntil: number | undefined;
  /** One that has gone is kept for what was begun there, and not checked. */
  readonly isPresent: boolean;
}

/**
 * The servers of a route: those that are written, and those that names lead to just now. There is a group for each list; each knows all
 * servers of the route, those of other lists without a share of new work, so that a session goes on where it began, whatever the lists
 * say now.
 */
export class RouteServers {
  /** Those that messages get which are in no split. */
  readonly group: UpstreamGroup<UpstreamServer>;
  readonly splits: readonly SplitParts[];
  readonly #route: ServersConfig;
  readonly #means: ServerMeans;
  readonly #lists: readonly ServerList[];
  readonly #names: ReadonlyMap<UpstreamTarget, Lease<AddressWatch>>;
  readonly #stops: readonly (() => void)[];
  #checks: ReadonlyMap<string, Lease<HealthChecker>> = new Map();

  constructor(route: ServersConfig, means: ServerMeans, known?: UpstreamGroup<UpstreamServer>) {
    this.#route = route;
    this.#means = means;
    this.#lists = listServerLists(route);
    const names = new Map<UpstreamTarget, Lease<AddressWatch>>();
    for (const { target, resolvesAll } of this.#lists.flatMap(({ upstreams }) => upstreams))
      if (resolvesAll && target.kind === 'tcp') names.set(target, means.watchName(target.host));
    this.#names = names;
    const { balance } = route;
    const mayGrow = mayHaveSeveralServers(route);
    const [own, ...others] = this.#build(known, known !== undefined).map(
      (servers) => new UpstreamGroup(servers, { balance, clock: means.clock, mayGrow }),
    );
    if (own === undefined) throw new TypeError('a route has at least one list of servers');
    this.group = own;
    this.splits = route.split.flatMap(({ when }, at) => {
      const servers = others[at];
      return servers === undefined ? [] : [{ when, servers }];
    });
    const groups = [own, ...others];
    const change = (): void => {
      for (const [at, servers] of this.#build(own, false).entries()) groups[at]?.change(servers);
      means.onChange();
    };
    this.#stops = [...names.values()].map(({ value }) => value.watch(change));
  }

  /** Those in use just now. */
  *pools(): Iterable<UpstreamPool> {
    for (const { pool } of this.group.servers) yield pool;
  }

  /** The servers stay as they are for whoever still uses them. Idempotent. */
  close(): void {
    for (const stop of this.#stops) stop();
    for (const lease of this.#names.values()) lease.release();
    for (const lease of this.#checks.values()) lease.release();
  }

  /** All servers for each list, with the weights that it gives them. */
  #build(
    known: UpstreamGroup<UpstreamServer> | undefined,
    isReload: boolean,
  ): readonly (readonly UpstreamServer[])[] {
    const { clock, deadlines, openPool, checks } = this.#means;
    const { health, upstreamLimits: limits } = this.#route;
    const listed = this.#lists.map(
      (list) => new Map(this.#list(list).map((server) => [toServerKey(server.target), server])),
    );
    const held = new Map<string, Lease<HealthChecker>>();
    const all = [...new Map(listed.flatMap((list) => [...list]))].map(([key, { target, newUntil }]) => {
      const kept = known?.find(key)?.standing;
      const standing = kept ?? new Standing(deadlines);
      const startsAt = newUntil ?? (isReload ? clock.monotonic() : undefined);
      if (kept === undefined && startsAt !== undefined) standing.outlier.startSlowly(startsAt);
      const isPresent = listed.some((list) => list.get(key)?.isPresent === true);
      const lease = isPresent && health !== undefined ? checks.hold(target, health) : undefined;
      if (lease !== undefined) held.set(key, lease);
      return { key, pool: openPool(target), limits, standing, health: lease?.value, newUntil };
    });
    for (const lease of this.#checks.values()) lease.release();
    this.#checks = held;
    return listed.map((list) =>
      all.map(({ key, ...parts }) => createUpstreamServer({ ...parts, weight: list.get(key)?.weight ?? 0 })),
    );
  }

  #list({ upstreams }: ServerList): readonly ListedServer[] {
    return upstreams.flatMap(({ target, weight }): readonly ListedServer[] => {
      const addresses = this.#names.get(target)?.value.addresses ?? [];
      // Until the name is resolved, each connection asks for it.
      if (addresses.length === 0) return [{ target, weight, newUntil: undefined, isPresent: true }];
      return addresses.map(({ address, isPresent, since }) => ({
        target: { ...target, address },
        weight: isPresent ? weight : 0,
        newUntil: since === undefined ? undefined : since + NEW_MILLISECONDS,
        isPresent,
      }));
    });
  }
}
