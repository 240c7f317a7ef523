import type { HealthConfig } from './health-config.ts';
import type { SessionsConfig } from './sessions-config.ts';
import type { SplitConfig } from './split-config.ts';
import type { StateConfig } from './state-config.ts';
import type { TlsConfig } from './tls-config.ts';
import type { UpstreamLimitsConfig, UpstreamServerConfig } from './upstream-config.ts';

/**
 * The resolved configuration: every default filled in, every file path absolute, frozen.
 * All times are milliseconds, all sizes are bytes. Nothing below the configuration sees optional keys or raw environment.
 */
export interface Config {
  readonly listen: ListenAddress;
  /** The plain-HTTP listener that redirects pages and refuses everything else; `undefined` when off. */
  readonly plainHttp: ListenAddress | undefined;
  /** Where another proxy on this machine asks whether requests may pass; `undefined` when off. */
  readonly authz: ListenAddress | undefined;
  /**
   * Public host names and addresses, lower case, IPv6 without brackets; `*.example.com` stands for one more label.
   * Empty on a loopback-only gateway.
   */
  readonly domains: readonly string[];
  /** Origin that clients use, where it does not follow from `domains` and `listen`: `https://mcp.example.com`, without a slash. */
  readonly publicUrl: string | undefined;
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
  readonly keepAlive: KeepAliveConfig;
  readonly sessions: SessionsConfig;
  readonly log: LogConfig;
  /** Processes that carry traffic. */
  readonly workers: number;
  readonly state: StateConfig;
  /** Absolute path of the state directory. */
  readonly stateDir: string;
  readonly dangerAllowPublic: boolean;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface RouteConfig {
  /** The host whose requests it is for, as in `domains`; `undefined`: every host that no other route with this path names. */
  readonly host: string | undefined;
  /** Public path, matched exactly (with and without one trailing slash). Begins with `/`, has no trailing slash unless it is `/`. */
  readonly path: string;
  /** Copies of one MCP server; never empty. */
  readonly upstreams: readonly UpstreamServerConfig[];
  /** Other servers for some messages; the first entry that fits decides. */
  readonly split: readonly SplitConfig[];
  /** How new work is spread over them. */
  readonly balance: 'round_robin' | 'least_requests';
  /** What each of them takes at a time; `undefined` for no limit. */
  readonly upstreamLimits: UpstreamLimitsConfig | undefined;
  /** Active checks of the servers; `undefined` when off. */
  readonly health: HealthConfig | undefined;
  readonly auth: AuthConfig;
  /** The first that fits decides, and where none fits the answer is no; `undefined` allows everything. */
  readonly rules: readonly RuleConfig[] | undefined;
  readonly credentials: UpstreamCredentialsConfig;
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

/** Who may call. Of several methods each one alone admits. */
export type AuthConfig =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'required';
      readonly keys: KeysConfig | undefined;
      readonly certificates: readonly AdmittedCertificateConfig[] | undefined;
      readonly oauth: OAuthConfig | undefined;
    };

export interface KeysConfig {
  readonly listed: readonly ApiKeyConfig[];
  /** Whether the keys of `breakwater keys` in the state directory count too. */
  readonly stored: boolean;
}

export interface ApiKeyConfig {
  readonly name: string;
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
  /** What the key may do, where rules ask for scopes. */
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch from which on the key counts no more; `undefined` when it does not end. */
  readonly expiresAt: number | undefined;
}

export interface AdmittedCertificateConfig {
  readonly name: string;
  /** The one-line subject (`CN=ci, O=Example`), or an alternative name written `DNS:...`, `URI:...` or `email:...`. */
  readonly subject: string;
}

/** Access tokens (OAuth 2.1); of at least one issuer, or of the server that is built in. */
export interface OAuthConfig {
  /** No two have the same `issuer`. */
  readonly issuers: readonly TokenIssuerConfig[];
  /** The built-in authorization server; the same for all routes that have it. */
  readonly server: AuthorizationServerConfig | undefined;
  /** Audiences that are accepted besides the public URL of the route. */
  readonly audiences: readonly string[];
  /** Scopes that are advertised. */
  readonly scopes: readonly string[];
  /** Scopes that every token needs; part of `scopes`. */
  readonly requiredScopes: readonly string[];
  /** How far clocks may differ. */
  readonly clockSkew: number;
}

export interface TokenIssuerConfig {
  /** Exactly as the claim `iss` has it. */
  readonly issuer: string;
  /** Where the keys are (RFC 7517); `undefined` leaves it to the metadata of the issuer. */
  readonly jwksUri: string | undefined;
  /** Asks the issuer about each token (RFC 7662). */
  readonly introspection:
    | (ClientSecretConfig & { readonly url: string; readonly clientId: string })
    | undefined;
  /** JWS algorithms that are accepted; asymmetric ones alone, never empty. */
  readonly algorithms: readonly string[];
  /** Accepted besides those of `OAuthConfig.audiences`. */
  readonly audiences: readonly string[];
  /** Accepted values of `typ`, lower case and without `application/`; empty: any. */
  readonly types: readonly string[];
  /** Names of the claims that say so. A name that is no claim of the token may be a path, its parts joined by dots. */
  readonly claims: {
    readonly subject: string;
    readonly client: string;
    readonly scopes: string;
    readonly groups: string;
  };
  /** Stands before scopes where clients ask the issuer for them, and not in its tokens; empty: nothing. */
  readonly scopePrefix: string;
  /** PEM file with the roots that the issuer's own certificate is checked against. */
  readonly ca: string | undefined;
}

export interface AuthorizationServerConfig {
  /** How people prove who they are; never empty. */
  readonly login: readonly LoginConfig[];
  /** Whether clients may register themselves (RFC 7591). */
  readonly registration: boolean;
  /** Redirect URIs with private-use schemes; an entry with a slash at its end stands for all below it. */
  readonly redirects: readonly string[];
  /** Hosts that client metadata documents may come from; empty: any. */
  readonly metadataHosts: readonly string[];
  readonly accessTokenLifetime: number;
  readonly refreshTokenLifetime: number;
}

export type LoginConfig =
  | { readonly kind: 'accounts' }
  | { readonly kind: 'owner' }
  | ({
      readonly kind: 'oidc';
      /** For people. */
      readonly name: string;
      readonly issuer: string;
      readonly clientId: string;
      /** Asked of the provider; with `openid`. */
      readonly scopes: readonly string[];
      /** Who may log in; all empty: whoever the provider lets in. */
      readonly allow: {
        readonly users: readonly string[];
        readonly domains: readonly string[];
        readonly groups: readonly string[];
      };
    } & ClientSecretConfig)
  | ({
      readonly kind: 'github';
      readonly clientId: string;
      /** Never both empty: everyone has an account there. */
      readonly allow: { readonly users: readonly string[]; readonly organizations: readonly string[] };
    } & ClientSecretConfig);

export interface ClientSecretConfig {
  /** Never shown. */
  readonly clientSecret: string;
  readonly clientSecretSource: SecretSourceConfig;
}

/** Where a secret was read, which may be shown. */
export type SecretSourceConfig =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly name: string };

/** One rule of a route. A pattern is text in which `*` stands for any characters; an empty list asks for nothing. */
export interface RuleConfig {
  readonly effect: 'allow' | 'deny';
  readonly who: {
    /** Patterns of `Principal.id`; the word `anonymous` is a caller without identity. */
    readonly principals: readonly string[];
    readonly issuers: readonly string[];
    readonly subjects: readonly string[];
    readonly clients: readonly string[];
    readonly groups: readonly string[];
    readonly claims: Readonly<Record<string, readonly string[]>>;
  };
  readonly methods: readonly string[];
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly resources: readonly string[];
  /** Scopes that the caller needs, all of them, for an `allow` to hold; empty on a `deny`. */
  readonly scopes: readonly string[];
}

/** What an upstream is shown; the caller's own credentials never reach it. */
export type UpstreamCredentialsConfig =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'header';
      /** Lower case. */
      readonly name: string;
      /** Never shown. */
      readonly value: string;
      readonly valueSource: SecretSourceConfig;
    }
  /** A token of our own about the caller; without an audience it is for the URL of the upstream. */
  | { readonly kind: 'jwt'; readonly audience: string | undefined; readonly lifetime: number }
  /** The caller's token, exchanged for one for the upstream (RFC 8693). */
  | ({
      readonly kind: 'exchange';
      readonly tokenEndpoint: string;
      readonly clientId: string;
      readonly audience: string | undefined;
      readonly scopes: readonly string[];
    } & ClientSecretConfig);

/** By what calls are counted. */
export type LimitKey = 'principal' | 'client' | 'address' | 'route' | 'tool';

export interface RateConfig {
  readonly per: LimitKey;
  readonly requests: number;
  readonly within: number;
  /** Identities of routes; empty: all. */
  readonly routes: readonly string[];
  /** Patterns of tools; empty: every request. */
  readonly tools: readonly string[];
}

/** At least one of `calls` and `streams` is there. */
export interface ConcurrencyConfig {
  readonly per: LimitKey;
  readonly calls: number | undefined;
  readonly streams: number | undefined;
  /** Identities of routes; empty: all. */
  readonly routes: readonly string[];
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
  readonly rates: readonly RateConfig[];
  readonly concurrency: readonly ConcurrencyConfig[];
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

export interface KeepAliveConfig {
  /** Silence of an upstream after which the answer to a call begins as an event stream; `undefined` when off. */
  readonly json: number | undefined;
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
