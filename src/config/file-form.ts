import { formatAuthority } from '../lib/authority.ts';
import { formatByteSize } from '../lib/byte-size.ts';
import { formatDuration } from '../lib/duration.ts';
import {
  toAuthForm,
  toConcurrencyForm,
  toCredentialsForm,
  toRateForm,
  toRuleForm,
  type IsGiven,
} from './access-file-form.ts';
import type { Config, ListenAddress, RouteConfig, UpstreamTarget } from './config.ts';
import type { SplitConfig } from './split-config.ts';
import type { FileMapping, FileValue } from './file-value.ts';
import { toHealthForm } from './health-file-form.ts';
import { listServerLists } from './split.ts';
import { toStateForm } from './state-file-form.ts';
import type { Provenance } from './source-tree.ts';
import { toTlsForm } from './tls-file-form.ts';

/** A resolved configuration in the words of the file, for people to read. Hashes of keys are shortened. */
export function toFileForm(config: Config, provenance: Provenance): FileMapping {
  const { limits, timeouts, keepAlive, sessions, log, tls } = config;
  return {
    listen: formatListen(config.listen),
    plain_http: config.plainHttp === undefined ? false : formatListen(config.plainHttp),
    ...(config.authz === undefined ? {} : { authz: formatListen(config.authz) }),
    domains: config.domains,
    ...(config.publicUrl === undefined ? {} : { public_url: config.publicUrl }),
    hosts: config.hosts,
    origins: config.origins,
    tls: toTlsForm(tls, { hasOwnPair: provenance.has('tls.cert') }),
    http2: config.http2,
    routes: groupRoutes(config.routes).map((route, index) =>
      toRouteForm(route, givenBelow(provenance, ['routes', index]), givenBelow(provenance, ['auth'])),
    ),
    trusted_proxies: config.trustedProxies,
    proxy_protocol: config.proxyProtocol,
    limits: {
      head: formatByteSize(limits.headBytes),
      fields: limits.headFields,
      url: formatByteSize(limits.urlBytes),
      body: formatByteSize(limits.bodyBytes),
      all_bodies: formatByteSize(limits.allBodiesBytes),
      connections: limits.connections,
      connections_per_address: limits.connectionsPerAddress,
      http2_streams: limits.http2Streams,
      rates: limits.rates.map(toRateForm),
      concurrency: limits.concurrency.map(toConcurrencyForm),
    },
    timeouts: {
      handshake: formatDuration(timeouts.handshake),
      head: formatDuration(timeouts.head),
      body: formatDuration(timeouts.body),
      idle: formatDuration(timeouts.idle),
      stall: formatDuration(timeouts.stall),
      connect: formatDuration(timeouts.connect),
      upstream_idle: formatDuration(timeouts.upstreamIdle),
      heartbeat: formatDuration(timeouts.heartbeat),
      drain: formatDuration(timeouts.drain),
    },
    ...(keepAlive.json === undefined ? {} : { keep_alive: { json: formatDuration(keepAlive.json) } }),
    sessions: {
      revival: sessions.revival,
      idle_timeout: formatDuration(sessions.idleTimeout),
      live: sessions.live,
      noted: sessions.noted,
    },
    log: {
      level: log.level,
      format: log.format,
      access: log.access.kind === 'file' ? log.access.path : log.access.kind,
    },
    workers: config.workers,
    ...(config.state.kind === 'local' ? {} : { state: toStateForm(config.state) }),
    state_dir: config.stateDir,
    danger_allow_public: config.dangerAllowPublic,
  };
}

interface WrittenRoute extends RouteConfig {
  readonly hosts: readonly string[];
}

/** The routes as they were written: those of one list of hosts share what stands beside it, the same objects. */
function groupRoutes(routes: readonly RouteConfig[]): readonly WrittenRoute[] {
  const written: (WrittenRoute & { readonly hosts: string[] })[] = [];
  for (const route of routes) {
    const last = written.at(-1);
    const own = route.host === undefined ? [] : [route.host];
    if (last?.upstreams === route.upstreams) last.hosts.push(...own);
    else written.push({ ...route, hosts: own });
  }
  return written;
}

function toRouteForm(route: WrittenRoute, isGiven: IsGiven, isGivenForAll: IsGiven): FileMapping {
  const isOwn = isGiven('auth');
  const { rules, hosts, upstreamLimits } = route;
  const [host] = hosts;
  return {
    path: route.path,
    ...(host === undefined ? {} : { host: hosts.length === 1 && !isGiven('host', 0) ? host : hosts }),
    upstream: toUpstreamForm(route.upstreams),
    ...(route.split.length === 0 ? {} : { split: route.split.map(toSplitForm) }),
    ...(listServerLists(route).every(({ upstreams }) => upstreams.length === 1)
      ? {}
      : { balance: route.balance }),
    ...(upstreamLimits === undefined
      ? {}
      : {
          upstream_limits: {
            connections: upstreamLimits.connections,
            queue: upstreamLimits.queue,
            queue_timeout: formatDuration(upstreamLimits.queueTimeout),
          },
        }),
    ...(route.health === undefined && !isGiven('health') ? {} : { health: toHealthForm(route.health) }),
    auth: toAuthForm(route.auth, isOwn ? (...path) => isGiven('auth', ...path) : isGivenForAll),
    ...(rules === undefined
      ? {}
      : { rules: rules.map((rule, at) => toRuleForm(rule, (...path) => isGiven('rules', at, ...path))) }),
    credentials: toCredentialsForm(route.credentials),
  };
}

function givenBelow(provenance: Provenance, base: readonly PropertyKey[]): IsGiven {
  return (...path) => provenance.has([...base, ...path].map(String).join('.'));
}

function toSplitForm({ when, upstreams }: SplitConfig): FileMapping {
  const given = Object.entries(when).filter(([, list]) => list.length > 0);
  return { when: Object.fromEntries(given), upstream: toUpstreamForm(upstreams) };
}

function toUpstreamForm(upstreams: RouteConfig['upstreams']): FileValue {
  const forms = upstreams.map(({ target, weight, resolvesAll }) => {
    const url = formatUpstream(target);
    if (weight === 1 && !resolvesAll) return url;
    return { url, ...(weight === 1 ? {} : { weight }), ...(resolvesAll ? { resolve: 'all' } : {}) };
  });
  const [only] = forms;
  return forms.length === 1 && only !== undefined ? only : forms;
}

/** The way a target is written in a file: a URL, or `unix:SOCKET:PATH`. */
export function formatUpstream(upstream: UpstreamTarget): string {
  if (upstream.kind === 'unix') return `unix:${upstream.socketPath}:${upstream.path}`;
  const scheme = upstream.secure ? 'https' : 'http';
  return `${scheme}://${formatAuthority(upstream.host, upstream.port)}${upstream.path}`;
}

function formatListen({ host, port }: ListenAddress): string {
  return formatAuthority(host, port);
}
