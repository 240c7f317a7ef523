/**
 * The resolved configuration: every default filled in, every file path absolute, frozen.
 * All times are milliseconds, all sizes are bytes. Nothing below the configuration sees optional keys or raw environment.
 */
export interface Config {
  readonly listen: ListenAddress;
  /** The plain-HTTP listener that redirects pages and refuses everything else; `undefined` when off. */
  readonly plainHttp: ListenAddress | undefined;
  /** Public host names, lower case. Empty on a loopback-only gateway. */
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

export type TlsConfig =
  | { readonly kind: 'files'; readonly cert: string; readonly key: string }
  | { readonly kind: 'local-ca' };

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
  | { readonly kind: 'keys'; readonly keys: readonly ApiKeyConfig[] };

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
