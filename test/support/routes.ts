import type { RouteConfig, UpstreamTarget } from '../../src/config/config.ts';

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
