import { dirname, resolve } from 'node:path';
import { listRouteAuths } from './access-places.ts';
import type { Config, RouteConfig, UpstreamTarget } from './config.ts';
import { deepFreeze } from './freeze.ts';
import { resolveHealth } from './resolve-health.ts';
import type { UpstreamServerConfig } from './upstream-config.ts';
import { resolveListeners } from './listeners.ts';
import { resolveAuth, resolveCredentials } from './resolve-access.ts';
import type { Environment } from './overlay.ts';
import { findRoutesByName, toRouteId } from './route-id.ts';
import { resolveState } from './resolve-state.ts';
import { resolveTls } from './resolve-tls.ts';
import type { RouteSetting } from './schema/route.ts';
import type { Secrets } from './secrets.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';
import { defaultStateDir } from './state-dir.ts';

export interface ResolveContext {
  readonly tree: SourceTree;
  readonly environment: Environment;
  readonly cwd: string;
  readonly secrets: Secrets;
}

/** Puts valid sections together: defaults that depend on others, absolute file names, frozen. A bug when a section is missing. */
export function resolveConfig(draft: Draft, context: ResolveContext): Config {
  const {
    domains,
    hosts,
    origins,
    tls,
    http2,
    limits,
    timeouts,
    log,
    workers,
    trusted_proxies,
    proxy_protocol,
  } = draft;
  const { danger_allow_public: dangerAllowPublic, keep_alive: keepAlive } = draft;
  const listeners = resolveListeners(draft);
  if (
    listeners === undefined ||
    domains === undefined ||
    hosts === undefined ||
    origins === undefined ||
    tls === undefined ||
    http2 === undefined ||
    draft.routes === undefined ||
    limits === undefined ||
    timeouts === undefined ||
    keepAlive === undefined ||
    draft.sessions === undefined ||
    log === undefined ||
    draft.state === undefined ||
    trusted_proxies === undefined ||
    proxy_protocol === undefined ||
    workers === undefined ||
    dangerAllowPublic === undefined
  ) {
    throw new TypeError('a configuration with problems cannot be resolved');
  }
  const file = (path: readonly PropertyKey[], name: string): string => resolveFile({ path, name, context });
  const accessLog = log.access;
  const access = { draft, secrets: context.secrets, file };
  const routes = listRouteAuths(draft).flatMap(({ index, route, path, auth }) =>
    resolveRoute(route, {
      upstreams: resolveUpstreams(route.upstreams, (name) => file(['routes', index, 'upstream'], name)),
      split: route.split.map(({ when, upstreams }, at) => ({
        when,
        upstreams: resolveUpstreams(upstreams, (name) =>
          file(['routes', index, 'split', at, 'upstream'], name),
        ),
      })),
      balance: route.balance,
      upstreamLimits: route.upstreamLimits,
      health: resolveHealth(route.health, route),
      auth: resolveAuth(path, auth, access),
      rules: route.rules,
      credentials: resolveCredentials(['routes', index, 'credentials'], route.credentials, access),
    }),
  );
  return deepFreeze<Config>({
    ...listeners,
    domains: [...new Set(domains)],
    publicUrl: draft.public_url,
    hosts: [...new Set(hosts)],
    origins: [...new Set(origins)],
    tls: resolveTls(tls, {
      domains,
      hasPlainHttp: listeners.plainHttp !== undefined,
      secrets: context.secrets,
      file,
    }),
    http2,
    routes,
    trustedProxies: trusted_proxies,
    proxyProtocol: proxy_protocol,
    limits: {
      ...limits,
      rates: limits.rates.map((limit) => ({ ...limit, routes: toRouteIds(routes, limit.routes) })),
      concurrency: limits.concurrency.map((limit) => ({
        ...limit,
        routes: toRouteIds(routes, limit.routes),
      })),
    },
    timeouts,
    keepAlive,
    sessions: draft.sessions,
    workers,
    log:
      accessLog.kind === 'file'
        ? { ...log, access: { ...accessLog, path: file(['log', 'access'], accessLog.path) } }
        : log,
    state: resolveState(draft.state, access),
    stateDir:
      draft.state_dir === undefined
        ? defaultStateDir(context.environment, context.cwd)
        : file(['state_dir'], draft.state_dir),
    dangerAllowPublic,
  });
}

/** One route for each host, so that each has a URL of its own: tokens and sessions of one are nothing at another. */
function resolveRoute(
  { path, hosts }: RouteSetting,
  parts: Omit<RouteConfig, 'host' | 'path'>,
): readonly RouteConfig[] {
  if (hosts.length === 0) return [{ host: undefined, path, ...parts }];
  return hosts.map((host) => ({ host, path, ...parts }));
}

function toRouteIds(routes: readonly RouteConfig[], names: readonly string[]): readonly string[] {
  return [...new Set(names.flatMap((name) => findRoutesByName(routes, name).map(toRouteId)))];
}

function resolveUpstreams(
  upstreams: readonly UpstreamServerConfig[],
  file: (name: string) => string,
): readonly UpstreamServerConfig[] {
  return upstreams.map(({ target, ...rest }) => ({ target: resolveUpstream(target, file), ...rest }));
}

function resolveUpstream(upstream: UpstreamTarget, file: (name: string) => string): UpstreamTarget {
  return upstream.kind === 'unix' ? { ...upstream, socketPath: file(upstream.socketPath) } : upstream;
}

/** File names in the configuration file are relative to it, all others to the working directory. */
export function resolveFile(options: {
  readonly path: readonly PropertyKey[];
  readonly name: string;
  readonly context: Pick<ResolveContext, 'tree' | 'cwd'>;
}): string {
  const { tree, cwd } = options.context;
  const origin = tree.origin(options.path);
  const base = origin.kind === 'file' ? dirname(resolve(cwd, origin.file)) : cwd;
  return resolve(base, options.name);
}
