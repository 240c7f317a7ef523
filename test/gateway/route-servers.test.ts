import { describe, expect, it } from 'vitest';
import type { RouteConfig, UpstreamServerConfig } from '../../src/config/config.ts';
import { AnnouncedPaths } from '../../src/gateway/announced-paths.ts';
import { listServers } from '../../src/gateway/control/server-status.ts';
import { createServerOpener, type RouteServers } from '../../src/gateway/route-servers.ts';
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
  return { target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' }, weight };
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

function open(before: readonly Route[] = []): (route: RouteConfig) => RouteServers {
  return createServerOpener({
    clock,
    deadlines,
    openPool: (target) =>
      new UpstreamPool({ target, clock, deadlines, connectTimeout: 1, idleTimeout: 1, readBuffer }),
    before,
  });
}

function toRoutes(config: RouteConfig, before: readonly Route[] = []): readonly Route[] {
  const opener = open(before);
  return createRouteTable(
    [config],
    (route) => ({ ...opener(route), access: toTestAccess({ kind: 'none' }) }),
    { ...noOwnPaths, announced: new AnnouncedPaths() },
  ).routes;
}

const weigh = (servers: readonly UpstreamServer[]): Record<string, number> =>
  Object.fromEntries(servers.map(({ name, weight }) => [name.replace('127.0.0.1:', ''), weight]));

describe('the servers of a route with splits', () => {
  it('are known to each list, with a share of new work in those alone where they are written', () => {
    const { servers, splits } = open()(buildSplit([toServer(3)], [toServer(2, 5), toServer(4, 7)]));
    expect(weigh(servers.servers)).toEqual({ 1: 1, 2: 3, 3: 0, 4: 0 });
    expect(splits.map((split) => weigh(split.servers.servers))).toEqual([
      { 1: 0, 2: 0, 3: 1, 4: 0 },
      { 1: 0, 2: 5, 3: 0, 4: 7 },
    ]);
    for (let time = 0; time < 20; time++) expect(splits[0]?.servers.pick()?.name).toBe('127.0.0.1:3');
    expect(splits[0]?.servers.find(toServerKey(toServer(1).target))?.name).toBe('127.0.0.1:1');
  });

  it('have one standing, whichever list they are in, and keep it when lists change', () => {
    const [route] = toRoutes(buildSplit([toServer(2), toServer(3)]));
    const key = toServerKey(toServer(3).target);
    const standing = route?.servers.find(key)?.standing;
    expect(standing).toBeDefined();
    expect(route?.splits[0]?.destination.route.servers.find(key)?.standing).toBe(standing);
    const [after] = toRoutes(buildSplit([toServer(4)], [toServer(3)]), route === undefined ? [] : [route]);
    expect(after?.servers.find(key)?.standing).toBe(standing);
    // The control: a server that was not there has a standing of its own.
    const added = toServerKey(toServer(4).target);
    expect(after?.servers.find(added)?.standing).not.toBe(standing);
  });

  it('are told with the largest weight that they have', () => {
    const told = listServers(toRoutes(buildSplit([toServer(2, 5), toServer(3, 2)])), clock);
    expect(told.map(({ route, server, weight }) => [route, server, weight])).toEqual([
      ['/mcp', '127.0.0.1:1', 1],
      ['/mcp', '127.0.0.1:2', 5],
      ['/mcp', '127.0.0.1:3', 2],
    ]);
  });
});

describe('the servers of several hosts', () => {
  it('are one where the hosts are written in one list, so that limits of connections are not multiplied', () => {
    const opener = open();
    const route = buildRoute(1, { publicHost: 'a.test' });
    const servers = opener(route);
    expect(opener({ ...route, host: 'b.test' })).toBe(servers);
    // The control: another entry has servers of its own.
    expect(opener(buildRoute(1, { publicHost: 'c.test' }))).not.toBe(servers);
  });
});
