/**
 * The resolved configuration: every default filled in, every file path absolute, frozen.
 * All times are milliseconds, all sizes are bytes. Nothing below the configuration sees optional keys or raw environment.
 */
export interface Config {
  readonly listen: ListenAddress;
  /** The plain-HTTP listener that redirects pages and refuses everything else; `undefined` when off. */
  readonly plainHttp: ListenAddress | undefined;
  /**
   * Public host names and addresses, lower case, IPv6 without brackets; `*.example.com` stands for one more label.
   * Empty on a loopback-only gateway.
   */
  readonly domains: readonly string[];
  /** Further accepted Host values (`host` or `host:port`), lower case. */
  readonly hosts: readonly string[];
  /** Further accepted browser origins, serialised as a browser sends them (`https://app.example.com`). */
  readonly origins: readonly string[];
  readonly tls: TlsConfig;
  readonly http2: boolean;
  readonly routes: readonly RouteConfig[];
  /** CIDR blocks or addresses whose forwarded headers or PROXY headers are believed. */
  readonly trustedProxies: readonly string[];
  /** When true the listener demands a PROXY protocol v1 or v2 header, and only from `trustedProxies`. */
  readonly proxyProtocol: boolean;
  readonly limits: LimitsConfig;
  readonly timeouts: TimeoutsConfig;
  readonly log: LogConfig;
  /** Absolute path of the state directory. */
  readonly stateDir: string;
  readonly dangerAllowPublic: boolean;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface TlsConfig {
  /** Certificates of the user's own, the preferred one first. */
  readonly files: readonly CertificateFilesConfig[];
  /** Who signs for names that no file is given for. */
  readonly automatic:
    | { readonly kind: 'none' }
    | { readonly kind: 'local-ca' }
    | ({ readonly kind: 'acme' } & AcmeConfig);
  /** The protocols and suites of Mozilla's recommendation of this name. */
  readonly policy: 'intermediate' | 'modern';
  /** Certificates that clients show; `undefined` when none is asked for. */
  readonly clients: ClientCertificatesConfig | undefined;
}

export interface CertificateFilesConfig {
  readonly cert: string;
  readonly key: string;
  /** Opens an encrypted private key. */
  readonly passphrase: PassphraseConfig | undefined;
}

export type PassphraseConfig =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'environment';
      readonly name: string;
      /** Never shown. */
      readonly value: string;
    };

export interface AcmeConfig {
  /** The authorities that are asked, in this order. */
  readonly issuers: readonly [IssuerConfig, ...IssuerConfig[]];
  /** The preferred one first; never empty. */
  readonly challenges: readonly ('http-01' | 'tls-alpn-01' | 'dns-01')[];
  /** The command that sets DNS records, and how long they need to be seen everywhere. */
  readonly dns: { readonly command: readonly [string, ...string[]]; readonly wait: number } | undefined;
  /** Certificates for names that are not listed, where the service at the URL `ask` says yes. */
  readonly onDemand: { readonly ask: string; readonly perHour: number } | undefined;
}

export interface IssuerConfig {
  /** URL of the directory (RFC 8555 section 7.1.1). */
  readonly directory: string;
  /** For people: `Let's Encrypt`. */
  readonly title: string;
  readonly email: string | undefined;
  /** Whether the user agreed to the terms of service. */
  readonly termsAccepted: boolean;
  readonly profile: string | undefined;
  /** Common name of the root that the chain should lead to. */
  readonly preferredChain: string | undefined;
  /** PEM file with the roots that the directory's own certificate is checked against. */
  readonly ca: string | undefined;
  readonly eab: AccountBindingConfig | undefined;
}

/** External account binding (RFC 8555 section 7.3.4). */
export interface AccountBindingConfig {
  readonly kid: string;
  /** Base64url. Never shown. */
  readonly hmacKey: string;
  /** Where the key was read, which may be shown. */
  readonly hmacKeySource:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'environment'; readonly name: string };
}

export interface ClientCertificatesConfig {
  /** PEM file with the authorities whose certificates are admitted. */
  readonly ca: string;
  /** PEM file with revocation lists. */
  readonly crl: string | undefined;
  /** Whether a connection without a certificate is refused; else the route decides. */
  readonly required: boolean;
}

export interface RouteConfig {
  /** Public path, matched exactly (with and without one trailing slash). Begins with `/`, has no trailing slash unless it is `/`. */
  readonly path: string;
  readonly upstream: UpstreamTarget;
  readonly auth: AuthConfig;
}

export type UpstreamTarget =
  | {
      readonly kind: 'tcp';
      readonly secure: boolean;
      /** Host name or address without brackets. */
      readonly host: string;
      readonly port: number;
      /** Path on the upstream, exactly as it is requested there. */
      readonly path: string;
    }
  | { readonly kind: 'unix'; readonly socketPath: string; readonly path: string };

export type AuthConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'keys'; readonly keys: readonly ApiKeyConfig[] }
  | { readonly kind: 'certificates'; readonly admitted: readonly AdmittedCertificateConfig[] };

export interface AdmittedCertificateConfig {
  readonly name: string;
  /** The one-line subject (`CN=ci, O=Example`), or an alternative name written `DNS:...`, `URI:...` or `email:...`. */
  readonly subject: string;
}

export interface ApiKeyConfig {
  readonly name: string;
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
}

export interface LimitsConfig {
  readonly headBytes: number;
  readonly headFields: number;
  readonly urlBytes: number;
  readonly bodyBytes: number;
  /** Bytes of request bodies held at the same time, over all connections. */
  readonly allBodiesBytes: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly http2Streams: number;
}

export interface TimeoutsConfig {
  readonly handshake: number;
  readonly head: number;
  readonly body: number;
  readonly idle: number;
  /** How long a reader may leave its buffer full, or a vanished peer unacknowledged what it was sent, before it is cut. */
  readonly stall: number;
  readonly connect: number;
  /** Longest time an idle upstream connection is used again; below the 5 s of uvicorn and Node. */
  readonly upstreamIdle: number;
  /** Silence on an event stream after which a comment is sent. */
  readonly heartbeat: number;
  /** How long calls may finish after SIGTERM. */
  readonly drain: number;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'auto' | 'json' | 'pretty';
  /** One line a request, to stderr, to a file (absolute path), or not at all. */
  readonly access:
    | { readonly kind: 'stderr' }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'off' };
}
