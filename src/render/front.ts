/**
 * What any front has to be told, whatever its engine: the configuration without what only the embedded gateway does. All times are
 * milliseconds, all sizes bytes. Lists keep the order of the configuration.
 */
export interface Front {
  /** `direct`: the engine talks to the MCP servers. `front`: it ends TLS and talks to Breakwater on this machine. */
  readonly mode: 'direct' | 'front';
  readonly listen: FrontAddress;
  /** Where plain HTTP is redirected; `undefined` when off. */
  readonly plainHttp: FrontAddress | undefined;
  /** Public names and addresses, lower case, IPv6 without brackets; `*.example.com` stands for one more label. Empty: any. */
  readonly names: readonly string[];
  /** `https://mcp.example.com`, without a slash at its end. */
  readonly publicUrl: string;
  readonly routes: readonly FrontRoute[];
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly tlsPolicy: 'intermediate' | 'modern';
  readonly http2: boolean;
  /** Origins that browsers may call from, besides the own ones. */
  readonly origins: readonly string[];
  /** Proxies before this one, whose word about the client is believed. */
  readonly trustedProxies: readonly string[];
  readonly limits: {
    readonly headBytes: number;
    readonly bodyBytes: number;
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly http2Streams: number;
  };
  readonly timeouts: {
    readonly head: number;
    readonly body: number;
    readonly idle: number;
    readonly connect: number;
    /** Longest silence of an answer: a day. */
    readonly stream: number;
    readonly upstreamIdle: number;
    readonly drain: number;
  };
  /** Who decides on callers in mode `direct`, and answers the OAuth paths: Breakwater's loopback listener (plain HTTP). */
  readonly authz: FrontAddress | undefined;
}

export interface FrontAddress {
  readonly host: string;
  readonly port: number;
}

export interface FrontRoute {
  /** Public path, without a slash at its end unless it is `/`. The same path with a slash is the same endpoint. */
  readonly path: string;
  /** In mode `front`: Breakwater. Never empty. */
  readonly upstreams: readonly FrontUpstream[];
  /** Whether callers have to prove who they are; by `Front.authz` in mode `direct`, by Breakwater itself in mode `front`. */
  readonly protected: boolean;
  /** Paths of OAuth metadata that belong to the route; empty where it has none. */
  readonly metadataPaths: readonly string[];
}

export type FrontUpstream =
  | {
      readonly kind: 'tcp';
      readonly secure: boolean;
      /** Host name or address without brackets. */
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** PEM file with the roots that its certificate is checked against; `undefined`: those of the system. */
      readonly ca: string | undefined;
      /** Share of the calls among the servers of the route; 1 where it is alone. */
      readonly weight: number;
    }
  | {
      readonly kind: 'unix';
      readonly socketPath: string;
      readonly path: string;
      readonly weight: number;
    };
