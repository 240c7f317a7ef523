import { dirname, resolve } from 'node:path';
import { listRouteAuths } from './access-places.ts';
import type { Config, UpstreamTarget } from './config.ts';
import { deepFreeze } from './freeze.ts';
import { resolveListeners } from './listeners.ts';
import { resolveAuth, resolveCredentials } from './resolve-access.ts';
import type { Environment } from './overlay.ts';
import { resolveState } from './resolve-state.ts';
import { resolveTls } from './resolve-tls.ts';
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
    routes: listRouteAuths(draft).map(({ index, route, path, auth }) => ({
      path: route.path,
      upstreams: route.upstreams.map(({ target, weight }) => ({
        target: resolveUpstream(target, (name) => file(['routes', index, 'upstream'], name)),
        weight,
      })),
      balance: route.balance,
      upstreamLimits: route.upstreamLimits,
      auth: resolveAuth(path, auth, access),
      rules: route.rules,
      credentials: resolveCredentials(['routes', index, 'credentials'], route.credentials, access),
    })),
    trustedProxies: trusted_proxies,
    proxyProtocol: proxy_protocol,
    limits,
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
