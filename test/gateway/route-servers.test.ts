import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { RouteServers } from '../../src/gateway/route-servers.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import { HealthChecks } from '../../src/upstream/health/health-checks.ts';
import { UpstreamPools } from '../../src/upstream/pools.ts';
import { NameWatches } from '../../src/upstream/resolve/name-watches.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildRoute, oneServer } from '../support/routes.ts';

const named: RouteConfig = {
  ...buildRoute(1),
  ...oneServer({ kind: 'tcp', secure: false, host: 'mcp.invalid', port: 1, path: '/mcp' }),
  // Nothing is checked before the first second is over, and the clock stands still until then.
  health: { check: { kind: 'tcp' }, interval: 5000, timeout: 2000, rise: 2, fall: 3 },
};
const route: RouteConfig = {
  ...named,
  upstreams: named.upstreams.map((upstream) => ({ ...upstream, resolvesAll: true, weight: 3 })),
};

interface Bench {
  readonly clock: ManualClock;
  readonly pools: UpstreamPools;
  readonly checks: HealthChecks;
  found: readonly string[];
  asked: number;
  changes: number;
  open(wanted?: RouteConfig, known?: RouteServers): RouteServers;
  resolveAgain(): Promise<void>;
}

function startBench(found: readonly string[]): Bench {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const readBuffer = Buffer.alloc(16);
  const pools = new UpstreamPools({ clock, deadlines, readBuffer });
  const random = (): number => 0.999;
  const checks = new HealthChecks({ clock, random, readBuffer, onChange: () => undefined });
  const names = new NameWatches({
    clock,
    random,
    resolve: () => {
      bench.asked++;
      return Promise.resolve(bench.found);
    },
    onTrouble: () => undefined,
  });
  const bench: Bench = {
    clock,
    pools,
    checks,
    found,
    asked: 0,
    changes: 0,
    open: (wanted = route, known) =>
      new RouteServers(
        wanted,
        {
          clock,
          deadlines,
          openPool: (target) => pools.find({ target, connectTimeout: 1, idleTimeout: 1 }),
          checks,
          watchName: (host) => names.hold(host),
          onChange: () => bench.changes++,
        },
        known?.group,
      ),
    async resolveAgain() {
      // Checks of addresses where nobody listens are begun, and cancelled at the end.
      clock.advance(11_000);
      await setImmediate();
    },
  };
  return bench;
}

describe('the servers of a route with a name', () => {
  it('are one until the name is resolved, and then one for each address', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    const servers = bench.open();
    expect(servers.group.servers.map(({ name }) => name)).toEqual(['mcp.invalid:1']);
    expect(servers.group.isShared).toBe(true);
    await setImmediate();
    expect(servers.group.servers.map(({ name, weight }) => [name, weight])).toEqual([
      ['127.0.0.2 of mcp.invalid:1', 3],
      ['127.0.0.3 of mcp.invalid:1', 3],
    ]);
    expect(bench.changes).toBe(1);
    expect([...servers.pools()]).toHaveLength(2);
    expect(bench.checks.size).toBe(2);
    servers.close();
    expect(bench.checks.size).toBe(0);
    expect(bench.clock.pending).toBe(0);
  });

  it('keep how they stand when others come and go', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    const servers = bench.open();
    await setImmediate();
    const [two, three] = servers.group.servers;
    bench.found = ['127.0.0.3', '127.0.0.4'];
    await bench.resolveAgain();
    const [gone, same, fresh] = servers.group.servers;
    expect(servers.group.servers).toHaveLength(3);
    expect([gone?.key, gone?.weight, gone?.standing]).toEqual([two?.key, 0, two?.standing]);
    expect([same?.key, same?.weight, same?.standing]).toEqual([three?.key, 3, three?.standing]);
    expect(gone?.pool).toBe(two?.pool);
    expect(fresh?.newUntil).toBe(bench.clock.monotonic() + 20_000);
    expect(fresh?.standing.outlier.share(fresh.newUntil ?? 0)).toBe(0.1);
    expect(same?.newUntil).toBe(undefined);
    expect(same?.standing.outlier.share(0)).toBe(1);
    // Nobody checks what has gone.
    expect(gone?.health).toBe(undefined);
    expect(same?.health).toBe(three?.health);
    expect(bench.checks.size).toBe(2);
    servers.close();
  });

  it('go over to another configuration with their addresses and checks', async () => {
    const bench = startBench(['127.0.0.2']);
    const before = bench.open();
    await setImmediate();
    const after = bench.open({ ...route, balance: 'round_robin' }, before);
    before.close();
    before.close();
    const [server] = after.group.servers;
    expect(server?.standing).toBe(before.group.servers[0]?.standing);
    expect(server?.health).toBe(before.group.servers[0]?.health);
    expect(bench.asked).toBe(1);
    await bench.resolveAgain();
    expect(bench.asked).toBe(2);
    after.close();
    await bench.resolveAgain();
    expect(bench.asked).toBe(2);
    expect(bench.clock.pending).toBe(0);
  });

  it('control: is one server, and nobody asks, where the name is not to be resolved', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    const servers = bench.open(named);
    await setImmediate();
    expect(servers.group.servers).toHaveLength(1);
    expect(servers.group.isShared).toBe(false);
    expect(bench.asked).toBe(0);
    servers.close();
  });
});
