import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import type { UpstreamServerConfig } from '../../src/config/upstream-config.ts';
import { toRouteId } from '../../src/config/route-id.ts';
import { AnnouncedPaths } from '../../src/gateway/announced-paths.ts';
import { listServers } from '../../src/gateway/control/server-status.ts';
import { openRouteServers, type RouteServers } from '../../src/gateway/route-servers.ts';
import { HealthChecks } from '../../src/upstream/health/health-checks.ts';
import { NameWatches } from '../../src/upstream/resolve/name-watches.ts';
import { createRouteTable, type Route } from '../../src/gateway/routes.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import { UpstreamPool } from '../../src/upstream/pool.ts';
import { toServerKey, type UpstreamServer } from '../../src/upstream/server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildRoute, noOwnPaths, toTestAccess } from '../support/routes.ts';

const clock = new ManualClock();
const deadlines = new Deadlines(clock);
const readBuffer = Buffer.alloc(16);

function toServer(port: number, weight = 1): UpstreamServerConfig {
  return {
    target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' },
    weight,
    resolvesAll: false,
  };
}

function buildSplit(...entries: readonly (readonly UpstreamServerConfig[])[]): RouteConfig {
  return {
    ...buildRoute(1),
    upstreams: [toServer(1), toServer(2, 3)],
    split: entries.map((upstreams) => ({
      when: { eras: ['modern'], methods: [], tools: [], prompts: [], resources: [] },
      upstreams,
    })),
  };
}

type Opened = ReadonlyMap<string, RouteServers>;

function open(configs: readonly RouteConfig[], before?: Opened): Opened {
  const random = (): number => 0;
  const names = new NameWatches({
    clock,
    random,
    resolve: () => Promise.resolve([]),
    onTrouble: () => undefined,
  });
  return openRouteServers(configs, {
    clock,
    deadlines,
    openPool: (target) =>
      new UpstreamPool({ target, clock, deadlines, connectTimeout: 1, idleTimeout: 1, readBuffer }),
    checks: new HealthChecks({ clock, random, readBuffer, onChange: () => undefined }),
    watchName: (host) => names.hold(host),
    onChange: () => undefined,
    before,
  });
}

function openOne(config: RouteConfig): RouteServers {
  const [servers] = open([config]).values();
  if (servers === undefined) throw new Error('one route');
  return servers;
}

function toRoutes(config: RouteConfig, opened: Opened): readonly Route[] {
  return createRouteTable(
    [config],
    (route) => {
      const servers = opened.get(toRouteId(route));
      if (servers === undefined) throw new Error('one route');
      return { servers: servers.group, splits: servers.splits, access: toTestAccess({ kind: 'none' }) };
    },
    { ...noOwnPaths, announced: new AnnouncedPaths() },
  ).routes;
}

const weigh = (servers: readonly UpstreamServer[]): Record<string, number> =>
  Object.fromEntries(servers.map(({ name, weight }) => [name.replace('127.0.0.1:', ''), weight]));

describe('the servers of a route with splits', () => {
  it('are known to each list, with a share of new work in those alone where they are written', () => {
    const { group, splits } = openOne(buildSplit([toServer(3)], [toServer(2, 5), toServer(4, 7)]));
    expect(weigh(group.servers)).toEqual({ 1: 1, 2: 3, 3: 0, 4: 0 });
    expect(splits.map((split) => weigh(split.servers.servers))).toEqual([
      { 1: 0, 2: 0, 3: 1, 4: 0 },
      { 1: 0, 2: 5, 3: 0, 4: 7 },
    ]);
    for (let time = 0; time < 20; time++) expect(splits[0]?.servers.pick()?.name).toBe('127.0.0.1:3');
    expect(splits[0]?.servers.find(toServerKey(toServer(1).target))?.name).toBe('127.0.0.1:1');
  });

  it('have one standing, whichever list they are in, and keep it when lists change', () => {
    const config = buildSplit([toServer(2), toServer(3)]);
    const opened = open([config]);
    const [route] = toRoutes(config, opened);
    const key = toServerKey(toServer(3).target);
    const standing = route?.servers.find(key)?.standing;
    expect(standing).toBeDefined();
    expect(route?.splits[0]?.destination.route.servers.find(key)?.standing).toBe(standing);
    const next = buildSplit([toServer(4)], [toServer(3)]);
    const [after] = toRoutes(next, open([next], opened));
    expect(after?.servers.find(key)?.standing).toBe(standing);
    // The control: a server that was not there has a standing of its own.
    const added = toServerKey(toServer(4).target);
    expect(after?.servers.find(added)?.standing).not.toBe(standing);
  });

  it('are told with the largest weight that they have', () => {
    const config = buildSplit([toServer(2, 5), toServer(3, 2)]);
    const told = listServers(toRoutes(config, open([config])), clock);
    expect(told.map(({ route, server, weight }) => [route, server, weight])).toEqual([
      ['/mcp', '127.0.0.1:1', 1],
      ['/mcp', '127.0.0.1:2', 5],
      ['/mcp', '127.0.0.1:3', 2],
    ]);
  });
});

describe('the servers of several hosts', () => {
  it('are one where the hosts are written in one list, so that limits of connections are not multiplied', () => {
    const route = buildRoute(1, { publicHost: 'a.test' });
    const servers = open([route, { ...route, host: 'b.test' }, buildRoute(1, { publicHost: 'c.test' })]);
    expect(servers.get('b.test/mcp')).toBe(servers.get('a.test/mcp'));
    // The control: another entry has servers of its own.
    expect(servers.get('c.test/mcp')).not.toBe(servers.get('a.test/mcp'));
  });
});
