import { describe, expect, it } from 'vitest';
import { toStatusText } from '../../../src/cli/control/status-text.ts';
import { listServers, mergeServers, type ServerStatus } from '../../../src/gateway/control/server-status.ts';
import type { GatewayStatus } from '../../../src/gateway/control/status.ts';
import type { Route } from '../../../src/gateway/routes.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { buildRoute, buildServers, toTestAccess } from '../../support/routes.ts';

const started = Date.parse('2026-01-01T00:00:00Z');

function buildCopies(clock: ManualClock): Route {
  const target = { kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/mcp' } as const;
  const upstreams = [
    { target, weight: 1, resolvesAll: false },
    { target: { ...target, host: '::1' }, weight: 3, resolvesAll: false },
  ];
  const servers = buildServers({ ...buildRoute(1), upstreams }, clock);
  const access = toTestAccess({ kind: 'none' });
  return { id: '/mcp', host: undefined, path: '/mcp', access, servers, splits: [] };
}

const well: ServerStatus = {
  route: '/mcp',
  server: '127.0.0.1:8000',
  weight: 1,
  open: 2,
  waiting: 0,
  failures: 0,
  ejectedUntil: null,
  check: null,
};

describe('the status of servers', () => {
  it('tells what each has, and until when it is ejected by the clock on the wall', () => {
    const clock = new ManualClock(started);
    const route = buildCopies(clock);
    const [first, second] = route.servers.servers;
    if (first === undefined || second === undefined) throw new Error('two servers');
    first.standing.work.enter(undefined, { onSlot: () => undefined, onQueueTimeout: () => undefined });
    clock.advance(5000);
    for (let time = 0; time < 3; time++) route.servers.note(second, 'unreachable');
    expect(listServers([route], clock)).toEqual([
      { ...well, open: 1 },
      {
        ...well,
        server: '[::1]:8000',
        weight: 3,
        open: 0,
        failures: 2,
        ejectedUntil: '2026-01-01T00:00:15.000Z',
      },
    ]);
    clock.advance(10_000);
    expect(listServers([route], clock)[1]?.ejectedUntil).toBeNull();
  });

  it('of several workers is added up', () => {
    const early = '2026-01-01T00:00:10.000Z';
    const late = '2026-01-01T00:00:20.000Z';
    const other = { ...well, server: '127.0.0.1:8001' };
    expect(
      mergeServers([
        { ...well, ejectedUntil: late, failures: 3 },
        other,
        { ...well, open: 5, waiting: 1, ejectedUntil: early },
        { ...other, ejectedUntil: early },
      ]),
    ).toEqual([
      { ...well, open: 7, waiting: 1, ejectedUntil: late, failures: 3 },
      { ...other, open: 4, ejectedUntil: early },
    ]);
  });

  it('has what checks say; of several workers, what one of them finds wrong', () => {
    const since = new Date(started).toISOString();
    const up: ServerStatus = { ...well, check: { state: 'up', since, reason: null } };
    const down: ServerStatus = { ...well, check: { state: 'down', since, reason: 'refuses connections' } };
    for (const both of [
      [up, down],
      [down, up],
    ])
      expect(mergeServers(both)).toEqual([{ ...down, open: 4 }]);
    const text = (server: ServerStatus): string =>
      toStatusText({ ...status, servers: [server] }, started + 63_000);
    expect(text(down)).toContain(
      'Server       /mcp at 127.0.0.1:8000: down for 1 min 3 s, 2 open, it refuses connections\n',
    );
    expect(text(up)).not.toContain('Server  ');
  });

  it('is shown for those that are not alone, or are waited for', () => {
    const text = (...servers: ServerStatus[]): string[] =>
      toStatusText({ ...status, servers }, started)
        .split('\n')
        .filter((line) => line.startsWith('Server'));
    expect(text(well)).toEqual([]);
    expect(text({ ...well, waiting: 2 })).toEqual(['Server       /mcp at 127.0.0.1:8000: 2 open, 2 waiting']);
    expect(toStatusText(status, started)).toContain(
      'Sessions     3 live, 2 begun again, 1 ended for want of a client\n',
    );
    const ejectedUntil = new Date(started + 8000).toISOString();
    expect(text(well, { ...well, server: '[::1]:1', weight: 0, ejectedUntil })).toEqual([
      'Server       /mcp at 127.0.0.1:8000: 2 open',
      'Server       /mcp at [::1]:1: 2 open, weight 0, fails, and gets no new work for 8 s',
    ]);
  });
});

const status: GatewayStatus = {
  version: '1',
  pid: 1,
  state: 'running',
  startedAt: new Date(started).toISOString(),
  config: null,
  urls: [],
  lastReload: null,
  certificates: [],
  sessions: { live: 3, revived: 2, ended: 1 },
  connections: 0,
  upstreamConnections: 0,
  limits: 'own',
  open: [],
  servers: [],
  workers: [],
};
