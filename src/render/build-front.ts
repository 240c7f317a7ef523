import { join } from 'node:path';
import { toMetadataPaths, rootMetadataPath } from '../auth/resource/metadata.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import type { UpstreamServerConfig } from '../config/upstream-config.ts';
import { formatAuthority } from '../lib/authority.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { isLoopbackHost } from '../lib/networks.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { toShortAuthority } from './authority.ts';
import type { Front, FrontAddress, FrontRoute, FrontUpstream } from './front.ts';
import type { RenderWarning } from './rendered.ts';
import { toUnsupported } from './unsupported.ts';

export interface FrontOptions {
  readonly mode: Front['mode'];
  /** In the place of those of the configuration. */
  readonly certificate?: Front['certificate'];
}

export interface BuiltFront {
  readonly front: Front;
  /** What Breakwater's own side needs, and what no engine does. */
  readonly warnings: readonly RenderWarning[];
}

const DAY = 86_400_000;
/** Where Breakwater listens behind another engine, and the engine before it, where the configuration says nothing else. */
const behind: FrontAddress = { host: '127.0.0.1', port: 8443 };
const before: FrontAddress = { host: '0.0.0.0', port: 443 };
const frontMode = 'render with `--mode front`: the engine ends TLS, and Breakwater behind it decides';

/**
 * Works out of a configuration what another engine has to do. Fails where the engine would let in whom Breakwater keeps out: rules and
 * client certificates are nothing that it can ask for.
 */
export function buildFront(config: Config, options: FrontOptions): Result<BuiltFront, Diagnostic[]> {
  const { mode } = options;
  const problems = mode === 'direct' ? config.routes.flatMap(findUnrendered) : [];
  if (problems.length > 0) return fail(problems);
  const listen = mode === 'direct' ? config.listen : before;
  const plainHttp = mode === 'direct' ? config.plainHttp : { host: before.host, port: 80 };
  const names = listNames(config);
  const front: Front = {
    mode,
    listen,
    plainHttp,
    names,
    publicUrl: config.publicUrl ?? toPublicUrl(names, listen),
    routes: mergePaths(config.routes.map((route) => toRoute(route, config, mode))),
    certificate: options.certificate ?? toCertificate(config, names),
    tlsPolicy: config.tls.policy,
    http2: config.http2,
    origins: config.origins,
    trustedProxies: mode === 'direct' ? config.trustedProxies : [],
    limits: {
      headBytes: config.limits.headBytes,
      bodyBytes: config.limits.bodyBytes,
      connections: config.limits.connections,
      connectionsPerAddress: config.limits.connectionsPerAddress,
      http2Streams: config.limits.http2Streams,
    },
    timeouts: {
      head: config.timeouts.head,
      body: config.timeouts.body,
      idle: config.timeouts.idle,
      connect: config.timeouts.connect,
      stream: DAY,
      upstreamIdle: config.timeouts.upstreamIdle,
      drain: config.timeouts.drain,
    },
    authz: mode === 'direct' ? config.authz : undefined,
  };
  const warnings = mode === 'direct' ? listUncounted(config) : listOwnSide(config);
  return ok({ front, warnings: [...warnings, ...listCertificateWork(config, options)] });
}

/** What engines could do, and are not told here. */
function findUnrendered(route: RouteConfig): Diagnostic[] {
  const { host, path, split } = route;
  const problems: Diagnostic[] = [];
  if (host !== undefined)
    problems.push(
      toUnsupported(
        `\`${path}\` leads to a server of its own for \`${host}\`, and one path has one server here`,
        frontMode,
      ),
    );
  if (split.length > 0)
    problems.push(
      toUnsupported(`the \`split\` of \`${path}\` is about messages, which no other engine reads`, frontMode),
    );
  return [...problems, ...findUndecidable(route)];
}

/** Before Breakwater, which tells hosts apart itself, a path is one endpoint, whatever its host. */
function mergePaths(routes: readonly FrontRoute[]): readonly FrontRoute[] {
  const merged = new Map<string, FrontRoute>();
  for (const route of routes) {
    const { path } = route;
    const same = merged.get(path);
    merged.set(
      path,
      same === undefined
        ? route
        : {
            ...same,
            protected: same.protected || route.protected,
            metadataPaths: [...new Set([...same.metadataPaths, ...route.metadataPaths])],
          },
    );
  }
  return [...merged.values()];
}

/** What only somebody who reads messages, or speaks TLS with the client, can decide. */
function findUndecidable({ path, auth, rules, credentials }: RouteConfig): Diagnostic[] {
  const problems: Diagnostic[] = [];
  if (rules !== undefined)
    problems.push(
      toUnsupported(`the rules of \`${path}\` are about messages, which no other engine reads`, frontMode),
    );
  if (auth.kind === 'required' && auth.keys === undefined && auth.oauth === undefined)
    problems.push(
      toUnsupported(
        `the callers of \`${path}\` are known by client certificates alone, which end at the engine`,
        frontMode,
      ),
    );
  if (credentials.kind === 'header' && credentials.name !== 'authorization')
    problems.push(
      toUnsupported(
        `the upstream of \`${path}\` is shown \`${credentials.name}\`, and engines are told of \`authorization\` alone`,
        frontMode,
      ),
    );
  if (credentials.kind !== 'none' && auth.kind === 'none')
    problems.push(
      toUnsupported(
        `nobody is asked for the credentials of \`${path}\`, since its callers are not asked who they are`,
        frontMode,
      ),
    );
  return problems;
}

function toRoute(route: RouteConfig, config: Config, mode: Front['mode']): FrontRoute {
  const { path, auth } = route;
  const hasOAuth = auth.kind === 'required' && auth.oauth !== undefined;
  const isFirst =
    config.routes.find((each) => each.auth.kind === 'required' && each.auth.oauth !== undefined) === route;
  return {
    path,
    upstreams: mode === 'front' ? [toBreakwater(config, path)] : listServing(route).map(toUpstream),
    protected: auth.kind === 'required',
    metadataPaths: hasOAuth ? [...(isFirst ? [rootMetadataPath] : []), ...toMetadataPaths(path)] : [],
  };
}

/** The servers that get new work; no engine is told of the others. */
function listServing({ upstreams }: RouteConfig): RouteConfig['upstreams'] {
  return upstreams.filter(({ weight }) => weight > 0);
}

function toUpstream({ target, weight }: UpstreamServerConfig): FrontUpstream {
  return target.kind === 'unix' ? { ...target, weight } : { ...target, ca: undefined, weight };
}

/** Breakwater speaks TLS on loopback, too; its certificate there is of the authority of this machine. */
function toBreakwater(config: Config, path: string): FrontUpstream {
  const { host, port } = isLoopbackHost(config.listen.host) ? config.listen : behind;
  const ca = join(config.stateDir, 'local-ca', 'ca.pem');
  return { kind: 'tcp', secure: true, host, port, path, ca, weight: 1 };
}

function listNames({ domains, publicUrl }: Config): readonly string[] {
  if (domains.length > 0 || publicUrl === undefined) return domains;
  return [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')];
}

function toPublicUrl(names: readonly string[], { host, port }: FrontAddress): string {
  const name =
    names.find((each) => !each.startsWith('*.')) ?? names[0] ?? (host === '0.0.0.0' ? 'localhost' : host);
  return `https://${toShortAuthority({ host: name, port, usual: 443 })}`;
}

function toCertificate({ tls }: Config, [name = 'localhost']: readonly string[]): Front['certificate'] {
  const [own] = tls.files;
  if (own !== undefined) return { cert: own.cert, key: own.key };
  const folder =
    tls.automatic.kind === 'acme'
      ? `/etc/letsencrypt/live/${name.replace(/^\*\./, '')}`
      : '/etc/breakwater/tls';
  return { cert: `${folder}/fullchain.pem`, key: `${folder}/privkey.pem` };
}

function listCertificateWork({ tls }: Config, { mode, certificate }: FrontOptions): RenderWarning[] {
  if (certificate !== undefined) return [];
  const [own] = tls.files;
  if (own?.passphrase !== undefined)
    return [
      {
        requirement: 'certificate-chain',
        message: `the key \`${own.key}\` is encrypted: the engine asks for its passphrase at each start, or does not start at all`,
      },
    ];
  if (own !== undefined) return [];
  if (tls.automatic.kind === 'acme' && mode === 'direct')
    return [
      {
        requirement: 'certificate-chain',
        message:
          'the engine gets no certificates itself: the paths are those of certbot, which has to obtain them, or give others with `--cert` and `--key`',
      },
    ];
  return [
    {
      requirement: 'certificate-chain',
      message:
        'no certificate is configured: put one to `/etc/breakwater/tls`, such as that of `breakwater certs export`, or name another with `--cert` and `--key`',
    },
  ];
}

/** What Breakwater has to be told to stand behind another proxy. */
function listOwnSide(config: Config): RenderWarning[] {
  const warnings: RenderWarning[] = [];
  if (!isLoopbackHost(config.listen.host))
    warnings.push({
      requirement: 'upstream-hidden',
      message: `Breakwater listens on ${formatAuthority(config.listen.host, config.listen.port)}, where the engine has to: set \`listen: 127.0.0.1:8443\``,
    });
  if (config.domains.length > 0)
    warnings.push({
      requirement: 'tls-policy',
      message:
        'Breakwater would obtain certificates for `domains` itself: give `public_url` in their place, so that it takes one of the local authority, which the engine trusts',
    });
  if (config.publicUrl === undefined && config.domains.length === 0)
    warnings.push({
      requirement: 'host-guard',
      message: 'Breakwater refuses the public name with 421: set `public_url`',
    });
  if (!config.trustedProxies.some((block) => /^(?:127\.0\.0\.|::1)/.test(block)))
    warnings.push({
      requirement: 'forwarded-headers',
      message:
        'Breakwater takes the engine for the client: set `trusted_proxies: [127.0.0.1]`, or all callers share one address in logs and limits',
    });
  return warnings;
}

function listUncounted({ limits, routes }: Config): RenderWarning[] {
  const warnings: RenderWarning[] = [];
  if (limits.rates.length + limits.concurrency.length > 0)
    warnings.push({
      requirement: 'rate-limit',
      message:
        "the limits of callers and tools are Breakwater's: without it behind the engine nobody counts them",
    });
  for (const route of routes) {
    const serving = listServing(route);
    if (serving.length < route.upstreams.length)
      warnings.push({
        requirement: 'session-affinity',
        message: `the servers of \`${route.path}\` with the weight 0 are left out: the sessions that they have end`,
      });
    if (route.upstreams.some(({ resolvesAll }) => resolvesAll))
      warnings.push({
        requirement: 'session-affinity',
        message: `\`resolve: all\` of \`${route.path}\` is Breakwater's: the engine takes the name for one server, and sessions may reach a copy that does not know them`,
      });
    if (route.upstreamLimits !== undefined)
      warnings.push({
        requirement: 'rate-limit',
        message: `\`upstream_limits\` of \`${route.path}\` are Breakwater's: without it behind the engine nobody counts connections to the MCP servers`,
      });
  }
  if (routes.some(({ auth }) => auth.kind === 'required'))
    warnings.push({
      requirement: 'access-control',
      message:
        'sessions are not bound to their callers: who knows the id of a session and may call at all, can use it',
    });
  return warnings;
}
