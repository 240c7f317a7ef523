import { isIP } from 'node:net';
import type { AuthConfig, Config, OAuthConfig } from '../config/config.ts';
import type { FileMapping } from '../config/file-value.ts';
import { sealsSessions } from '../config/sealed-sessions.ts';
import { moveFiles, type ClusterFiles } from './cluster-files.ts';
import { buildService, type Service } from './service.ts';

/** What a cluster has to know to run Breakwater in pods. Times are milliseconds, sizes bytes. */
export interface Cluster extends Service {
  readonly files: ClusterFiles;
  /** Processes that carry traffic; `auto` is one for each core of the node. */
  readonly workers: number | 'auto';
  /** Port that clients connect to. */
  readonly publicPort: number;
  /** Names in the handshakes of clients; `*.example.com` stands for one more label. No addresses. */
  readonly names: readonly string[];
  /** What has to outlive a pod and is in its state directory, for people. Not empty: one pod, and a volume. */
  readonly kept: readonly string[];
  /** Whether a certificate authority asks the pod for a proof before it has a certificate. */
  readonly isProvenOverNetwork: boolean;
  /** Whether there may be no certificate for a while, so that no handshake ends well. */
  readonly mayLackCertificate: boolean;
  /** Whether session ids are sealed with a key of the pod. */
  readonly isSealed: boolean;
  /** Whether limits count each pod alone. */
  readonly isLimited: boolean;
  /** Request bodies held at a time. */
  readonly bodyBytes: number;
  /** The program that sets DNS records, which no image of Breakwater has. */
  readonly dnsCommand: string | undefined;
  /** What it connects to, besides the MCP servers. No two are the same. */
  readonly asks: readonly ClusterPeer[];
}

export interface ClusterPeer {
  /** `undefined`: anywhere. */
  readonly host: string | undefined;
  readonly port: number;
  /** Letters for people: `issuer`. */
  readonly what: string;
}

export function buildCluster(
  config: Config,
  options: {
    readonly version: string;
    readonly configPath: string | undefined;
    readonly settings: FileMapping;
  },
): Cluster {
  const { automatic } = config.tls;
  const acme = automatic.kind === 'acme' ? automatic : undefined;
  const { rates, concurrency, allBodiesBytes, bodyBytes } = config.limits;
  return {
    ...buildService(config, options),
    files: moveFiles(options.settings),
    // Resolved, it would be the cores of this machine.
    workers: options.settings['workers'] === 'auto' ? 'auto' : config.workers,
    publicPort:
      config.publicUrl === undefined ? config.listen.port : Number(new URL(config.publicUrl).port || 443),
    names: config.domains.filter((name) => isIP(name) === 0),
    kept: listKept(config),
    isProvenOverNetwork: acme !== undefined && acme.challenges.some((challenge) => challenge !== 'dns-01'),
    mayLackCertificate: acme !== undefined,
    isSealed: config.state.kind === 'local' && sealsSessions(config),
    isLimited: config.state.kind === 'local' && rates.length + concurrency.length > 0,
    bodyBytes: Math.max(allBodiesBytes, bodyBytes),
    dnsCommand: acme?.dns?.command[0],
    asks: listAsks(config),
  };
}

function listKept({ routes, tls, state }: Config): readonly string[] {
  const isLocal = state.kind === 'local';
  const auths = routes.map(({ auth }) => auth);
  const reasons: readonly (readonly [isKept: boolean, what: string])[] = [
    [isLocal && tls.automatic.kind === 'acme', 'certificates and the account that obtains them'],
    [tls.automatic.kind === 'local-ca', 'the local authority that clients trust'],
    [isLocal && auths.some((auth) => auth.kind === 'required' && auth.keys?.stored === true), 'API keys'],
    [isLocal && auths.some((auth) => toOAuth(auth)?.server !== undefined), 'accounts and logins'],
    [
      isLocal && routes.some(({ credentials }) => credentials.kind === 'jwt'),
      'the keys of tokens for MCP servers',
    ],
  ];
  return reasons.flatMap(([isKept, what]) => (isKept ? [what] : []));
}

function toOAuth(auth: AuthConfig): OAuthConfig | undefined {
  return auth.kind === 'required' ? auth.oauth : undefined;
}

function listAsks(config: Config): readonly ClusterPeer[] {
  const { automatic } = config.tls;
  const acme =
    automatic.kind === 'acme'
      ? [
          ...automatic.issuers.map(({ directory }) => toPeer('certificate authority', directory)),
          ...(automatic.onDemand === undefined ? [] : [toPeer('answers on demand', automatic.onDemand.ask)]),
        ]
      : [];
  const ofRoutes = config.routes.flatMap(({ auth, credentials }) => {
    const oauth = toOAuth(auth);
    return [
      ...(oauth === undefined ? [] : listOAuthPeers(oauth)),
      ...(credentials.kind === 'exchange' ? [toPeer('token endpoint', credentials.tokenEndpoint)] : []),
    ];
  });
  const { state } = config;
  const redis: readonly ClusterPeer[] =
    state.kind === 'redis' && state.address.kind === 'tcp'
      ? [{ host: state.address.host, port: state.address.port, what: 'shared state' }]
      : [];
  const found = new Map([...acme, ...ofRoutes, ...redis].map((peer) => [JSON.stringify(peer), peer]));
  return [...found.values()];
}

function listOAuthPeers({ issuers, server }: OAuthConfig): readonly ClusterPeer[] {
  return [
    ...issuers.flatMap(({ issuer, jwksUri, introspection }) => [
      toPeer('issuer', issuer),
      ...(jwksUri === undefined ? [] : [toPeer('issuer', jwksUri)]),
      ...(introspection === undefined ? [] : [toPeer('issuer', introspection.url)]),
    ]),
    ...(server?.login ?? []).flatMap((login) => {
      if (login.kind === 'oidc') return [toPeer('login', login.issuer)];
      return login.kind === 'github' ? [{ what: 'login', host: undefined, port: 443 }] : [];
    }),
    // Clients that are their own URL (client metadata documents) may be anywhere.
    ...(server === undefined ? [] : [{ what: 'metadata of clients', host: undefined, port: 443 }]),
  ];
}

function toPeer(what: string, address: string): ClusterPeer {
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { what, host, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port) };
}
