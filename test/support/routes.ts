import pino from 'pino';
import { plainChallenger } from '../../src/auth/resource/challenger.ts';
import type { RouteConfig, UpstreamTarget } from '../../src/config/config.ts';
import { buildKeyCheck } from '../../src/gateway/access/key-check.ts';
import type { RouteAccess } from '../../src/gateway/access/route-access.ts';
import type { OwnPaths, RequestPlace } from '../../src/gateway/routes.ts';
import type { SessionNames } from '../../src/gateway/session-names.ts';
import { SessionKeeper } from '../../src/gateway/sessions/session-keeper.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import { UpstreamGroup } from '../../src/upstream/group.ts';
import { UpstreamPool } from '../../src/upstream/pool.ts';
import { createUpstreamServer, type UpstreamServer } from '../../src/upstream/server.ts';
import { Standing } from '../../src/upstream/standing.ts';

/** The servers of a route that has one. */
export function oneServer(
  target: UpstreamTarget,
): Pick<RouteConfig, 'upstreams' | 'split' | 'balance' | 'upstreamLimits' | 'health'> {
  return {
    upstreams: [{ target, weight: 1, resolvesAll: false }],
    split: [],
    balance: 'least_requests',
    upstreamLimits: undefined,
    health: undefined,
  };
}

/** Servers that nobody connects to. */
export function buildServers(
  { upstreams, balance, upstreamLimits }: RouteConfig,
  clock: Clock,
): UpstreamGroup<UpstreamServer> {
  const deadlines = new Deadlines(clock);
  const readBuffer = Buffer.alloc(16);
  const servers = upstreams.map(({ target, weight }) =>
    createUpstreamServer({
      pool: new UpstreamPool({ target, clock, deadlines, connectTimeout: 1, idleTimeout: 1, readBuffer }),
      weight,
      limits: upstreamLimits,
      standing: new Standing(deadlines),
    }),
  );
  return new UpstreamGroup(servers, { balance, clock });
}

/** An open route from `/mcp`, by default to `/mcp` of a plain upstream on loopback. */
export function buildRoute(
  port: number,
  options: Partial<Extract<UpstreamTarget, { kind: 'tcp' }>> &
    Partial<Pick<RouteConfig, 'path' | 'auth' | 'rules' | 'credentials'>> & {
      /** The host that the route is for. */
      readonly publicHost?: string;
      /** Path on the upstream. */
      readonly upstreamPath?: string;
    } = {},
): RouteConfig {
  const {
    publicHost,
    path = '/mcp',
    auth = { kind: 'none' },
    rules,
    credentials = { kind: 'none' },
    upstreamPath = '/mcp',
    ...upstream
  } = options;
  return {
    host: publicHost,
    path,
    auth,
    rules,
    credentials,
    ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port, ...upstream, path: upstreamPath }),
  };
}

/** A request for a path, by default of a host that no route names. */
export function at(path: string, authority = 'localhost:8443'): RequestPlace {
  return { authority, path };
}

/** The access of a route that is open, or has listed keys and nothing else. */
export function toTestAccess(auth: RouteConfig['auth']): RouteAccess {
  const keys = auth.kind === 'none' ? undefined : auth.keys;
  return {
    check: keys && {
      keys: buildKeyCheck(keys, { clock: systemClock, storedKeys: undefined }),
      certificates: undefined,
      tokens: undefined,
      challenger: plainChallenger,
    },
    decide: undefined,
    credentials: undefined,
  };
}

export const noOwnPaths: OwnPaths = { documents: new Map(), login: [] };

/** Sessions keep the names that upstreams give them. */
export const noSessions: SessionNames = {
  forAnswer: () => ({ kind: 'none' }),
  forEndpoint: (_exchange, _route, { query }) => query,
};

/** Keeps no sessions. */
export function buildIdleKeeper(clock: Clock, deadlines: Deadlines): SessionKeeper {
  const config = { sessions: { revival: false, idleTimeout: 1, live: 1, noted: 100 } };
  const log = pino({ level: 'silent' });
  return new SessionKeeper({
    clock,
    deadlines,
    serving: () => ({ config, seal: undefined, store: undefined, log, findRoute: () => undefined }),
    share: () => undefined,
  });
}
