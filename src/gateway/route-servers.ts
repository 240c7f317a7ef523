import type { RouteConfig } from '../config/config.ts';
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

export interface ServerSurroundings {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly openPool: (target: UpstreamTarget) => UpstreamPool;
  readonly checks: HealthChecks;
  readonly watchName: (host: string) => Lease<AddressWatch>;
  /** Called when a name has other addresses, after which `pools` are others. */
  readonly onChange: () => void;
}

type ServersConfig = Pick<RouteConfig, 'upstreams' | 'balance' | 'upstreamLimits' | 'health'>;

/**
 * The servers of each route, by its path. All are opened at once and apart from whatever serves requests: a function that lived on
 * would keep the configuration before, and that one the one before it.
 */
export function openRouteServers(
  routes: readonly RouteConfig[],
  {
    before,
    ...surroundings
  }: ServerSurroundings & { readonly before: ReadonlyMap<string, RouteServers> | undefined },
): ReadonlyMap<string, RouteServers> {
  return new Map(
    routes.map((route) => [
      route.path,
      new RouteServers(route, surroundings, before?.get(route.path)?.group),
    ]),
  );
}

/** Whether sessions of the route have to be bound to a server: there are several, or may be at any moment. */
export function mayHaveSeveralServers({ upstreams }: Pick<ServersConfig, 'upstreams'>): boolean {
  return upstreams.length > 1 || upstreams.some(({ resolvesAll }) => resolvesAll);
}

/**
 * An address that has come gets no new work for so long while there are others: workers and replicas resolve by themselves, and a
 * session that begins there has to find it everywhere. Names are resolved every ten seconds, and caches lag behind.
 */
const NEW_MILLISECONDS = 20_000;

interface WantedServer {
  readonly target: UpstreamTarget;
  readonly weight: number;
  readonly newUntil: number | undefined;
  /** One that has gone is kept for what was begun there, and not checked. */
  readonly isPresent: boolean;
}

/** The servers of a route: those that are written, and those that names lead to just now. */
export class RouteServers {
  readonly group: UpstreamGroup<UpstreamServer>;
  readonly #route: ServersConfig;
  readonly #surroundings: ServerSurroundings;
  readonly #names: ReadonlyMap<UpstreamTarget, Lease<AddressWatch>>;
  readonly #stops: readonly (() => void)[];
  #checks: ReadonlyMap<string, Lease<HealthChecker>> = new Map();

  /** `known`: the servers of the route under the configuration before. */
  constructor(
    route: ServersConfig,
    surroundings: ServerSurroundings,
    known: UpstreamGroup<UpstreamServer> | undefined,
  ) {
    this.#route = route;
    this.#surroundings = surroundings;
    const names = new Map<UpstreamTarget, Lease<AddressWatch>>();
    for (const { target, resolvesAll } of route.upstreams)
      if (resolvesAll && target.kind === 'tcp') names.set(target, surroundings.watchName(target.host));
    this.#names = names;
    this.group = new UpstreamGroup(this.#build(known, known !== undefined), {
      balance: route.balance,
      clock: surroundings.clock,
      mayGrow: mayHaveSeveralServers(route),
    });
    this.#stops = [...names.values()].map(({ value }) =>
      value.watch(() => {
        this.group.change(this.#build(this.group, false));
        surroundings.onChange();
      }),
    );
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

  #build(known: UpstreamGroup<UpstreamServer> | undefined, isReload: boolean): readonly UpstreamServer[] {
    const { health, upstreamLimits: limits } = this.#route;
    const { clock, deadlines, openPool, checks } = this.#surroundings;
    const held = new Map<string, Lease<HealthChecker>>();
    const servers = this.#list().map(({ target, weight, newUntil, isPresent }) => {
      const key = toServerKey(target);
      // What a server did so far counts on: a reload is no way back for one that fails.
      const kept = known?.find(key)?.standing;
      const standing = kept ?? new Standing(deadlines);
      const startsAt = newUntil ?? (isReload ? clock.monotonic() : undefined);
      if (kept === undefined && startsAt !== undefined) standing.outlier.startSlowly(startsAt);
      const lease = isPresent && health !== undefined ? checks.hold(target, health) : undefined;
      if (lease !== undefined) held.set(key, lease);
      return createUpstreamServer({
        pool: openPool(target),
        weight,
        limits,
        standing,
        health: lease?.value,
        newUntil,
      });
    });
    const before = this.#checks;
    this.#checks = held;
    for (const lease of before.values()) lease.release();
    return servers;
  }

  #list(): readonly WantedServer[] {
    return this.#route.upstreams.flatMap(({ target, weight }): readonly WantedServer[] => {
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
