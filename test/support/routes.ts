import { plainChallenger } from '../../src/auth/resource/challenger.ts';
import type { RouteConfig, UpstreamTarget } from '../../src/config/config.ts';
import { buildKeyCheck } from '../../src/gateway/access/key-check.ts';
import type { RouteAccess } from '../../src/gateway/access/route-access.ts';
import type { OwnPaths } from '../../src/gateway/routes.ts';
import type { SessionNames } from '../../src/gateway/session-names.ts';
import { systemClock } from '../../src/lib/clock.ts';

/** An open route from `/mcp`, by default to `/mcp` of a plain upstream on loopback. */
export function buildRoute(
  port: number,
  options: Partial<Extract<UpstreamTarget, { kind: 'tcp' }>> &
    Partial<Omit<RouteConfig, 'upstream'>> & {
      /** Path on the upstream. */
      readonly upstreamPath?: string;
    } = {},
): RouteConfig {
  const {
    path = '/mcp',
    auth = { kind: 'none' },
    rules,
    credentials = { kind: 'none' },
    upstreamPath = '/mcp',
    ...upstream
  } = options;
  return {
    path,
    auth,
    rules,
    credentials,
    upstream: { kind: 'tcp', secure: false, host: '127.0.0.1', port, ...upstream, path: upstreamPath },
  };
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
