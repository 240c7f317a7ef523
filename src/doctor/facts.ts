import type { OAuthFacts } from './facts-oauth.ts';

/**
 * What was seen of an endpoint from outside: gathered once, then judged, as often as wanted, by pure functions. Facts are plain JSON and
 * hold no secret: tokens, cookies and session ids are replaced before they are written down. All times are milliseconds.
 */
export interface Facts {
  readonly format: 1;
  /** Version of Breakwater that asked. */
  readonly doctor: string;
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly target: Target;
  /** What was asked for, as far as verdicts depend on it. */
  readonly asked: {
    /** Whether a credential of the user went along; it goes only over verified TLS, or to loopback, and is withheld otherwise. */
    readonly token: 'none' | 'sent' | 'withheld';
    /** How long a quiet stream was watched. */
    readonly idle?: number;
    /** Tool that was called. */
    readonly call?: string;
    /** Whether a client was registered to see which redirects are taken. */
    readonly register: boolean;
  };
  readonly dns: Gathered<DnsFacts>;
  readonly tcp: Gathered<TcpFacts>;
  /** Not gathered for `http://` targets. */
  readonly tls: Gathered<TlsFacts>;
  /** HTTP, the proxy, MCP and limits: named requests with their answers, whatever they turn out to mean. */
  readonly http: Gathered<HttpFacts>;
  readonly oauth: Gathered<OAuthFacts>;
  /** How long each layer took. */
  readonly spent: Readonly<Record<string, number>>;
}

export interface Target {
  readonly url: string;
  readonly secure: boolean;
  /** Host name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path with a query, as it is asked for. */
  readonly path: string;
  /** Whether the host is this machine by its name or address. */
  readonly loopback: boolean;
}

/** Facts of a layer, or why there are none: a layer that needs a broken one is not asked. */
export type Gathered<T> =
  | { readonly done: true; readonly facts: T }
  | { readonly done: false; readonly because: string };

export interface DnsFacts {
  /** Empty for address literals. */
  readonly name: string;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** System error codes such as `ENOTFOUND`, where a question failed; no data of a family is no failure. */
  readonly failures: readonly string[];
  readonly took: number;
}

export interface TcpFacts {
  /** One for each address that was tried. */
  readonly addresses: readonly {
    readonly address: string;
    readonly family: 4 | 6;
    readonly outcome: 'open' | 'refused' | 'timeout' | 'unreachable' | 'failed';
    /** System error code where it is not open. */
    readonly code?: string;
    readonly took: number;
  }[];
  /** Address that all further questions go to; `undefined` when none is open. */
  readonly used?: string;
  /** Whether this machine has a way to IPv6 addresses of the world, by its interfaces. */
  readonly ipv6Here: boolean;
  /** Ports at which servers of MCP usually listen (8000, 3000, 8080 …), with what answers there; the target's own is left out. */
  readonly besides: readonly {
    readonly port: number;
    readonly open: boolean;
    readonly mcp: boolean;
    readonly server?: string;
  }[];
}

/** How one handshake ended. */
export type Handshake =
  | {
      readonly outcome: 'agreed';
      /** `TLSv1.3` */
      readonly protocol: string;
      /** Name by OpenSSL, `TLS_AES_128_GCM_SHA256`. */
      readonly cipher: string;
      /** Agreed application protocol; `undefined` when none. */
      readonly alpn?: string;
      /** Group of the key exchange, as far as the runtime tells. */
      readonly group?: string;
      readonly took: number;
    }
  | {
      readonly outcome: 'refused' | 'timeout' | 'garbage' | 'unsupported';
      readonly code: string;
      readonly took: number;
    };

export interface TlsFacts {
  /** As current clients do it: TLS 1.2 to 1.3, ALPN `h2` and `http/1.1`, server name of the target. */
  readonly usual: Handshake;
  /** Why the chain is not believed (`DEPTH_ZERO_SELF_SIGNED_CERT`, `ERR_TLS_CERT_ALTNAME_INVALID`, `CERT_HAS_EXPIRED` …); `undefined` when it is. */
  readonly untrusted?: string;
  /** With one protocol alone. `unsupported`: this machine cannot ask. */
  readonly protocols: Readonly<Record<'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3', Handshake>>;
  /** With the hybrid group X25519MLKEM768 alone. */
  readonly hybrid: Handshake;
  /** With cipher suites of TLS 1.2 alone that no one should take: CBC, 3DES, RC4, without forward secrecy. */
  readonly weak: Handshake;
  /** With `http/1.1` as the only application protocol. */
  readonly http1: Handshake;
  /** Leaf first, as sent. Empty when no handshake was agreed. */
  readonly chain: readonly CertificateFact[];
}

export interface CertificateFact {
  readonly subject: string;
  readonly issuer: string;
  readonly selfSigned: boolean;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** `DNS:…` and `IP:…` names. */
  readonly names: readonly string[];
  /** `RSA 2048`, `EC P-256`. */
  readonly key: string;
  /** Name of the signature algorithm, where it is told: `sha256WithRSAEncryption`. */
  readonly signature?: string;
  readonly fingerprint256: string;
}

/** What a request was answered with. */
export type Exchange = {
  readonly method: string;
  readonly url: string;
  /** Sent fields as far as they matter; secrets replaced by `…`. */
  readonly sent: Readonly<Record<string, string>>;
  readonly sentBytes: number;
} & (
  | { readonly outcome: 'answered'; readonly answer: Answer }
  | {
      readonly outcome: 'failed';
      /** `cut`: the connection ended before the head. `garbage`: not HTTP. `head-too-large`: over 64 KiB. */
      readonly failure:
        | 'refused'
        | 'reset'
        | 'cut'
        | 'timeout'
        | 'garbage'
        | 'head-too-large'
        | 'tls'
        | 'failed';
      readonly code: string;
      readonly took: number;
    }
);

export interface Answer {
  readonly http: '1.0' | '1.1' | '2';
  readonly status: number;
  /** Lower-case names; several values joined by `, `. Cookies and session ids replaced by `…`. */
  readonly fields: Readonly<Record<string, string>>;
  /** First 8 KiB of the body, as text, session ids replaced. */
  readonly body: string;
  readonly bytes: number;
  /** The JSON-RPC answer in the body, or in the first event that holds one. */
  readonly rpc?: RpcFact;
  /** How the body ended: `end`, given up by us (`enough`: as much as wanted was read; `timeout`), or broken off. */
  readonly ended: 'end' | 'enough' | 'timeout' | 'cut';
  /** Whether the server closed, or said that it would close, the connection after it. Always false for HTTP/2. */
  readonly closes: boolean;
  /** Whether the request found a connection that an earlier one had left open. */
  readonly reused: boolean;
  /** Milliseconds since the request was sent. */
  readonly head: number;
  readonly firstByte?: number;
  readonly end: number;
  /** When parts of the body came, for answers that are streams; at most 200. */
  readonly arrivals?: readonly { readonly at: number; readonly bytes: number; readonly comment: boolean }[];
}

/** A JSON-RPC answer, as far as verdicts need it. */
export type RpcFact =
  | {
      readonly kind: 'result';
      readonly id: string | number | null;
      /** Of `initialize`. */
      readonly protocolVersion?: string;
      /** Of `initialize` and `server/discover`. */
      readonly server?: string;
      readonly capabilities?: readonly string[];
      /** Of `server/discover`. */
      readonly supportedVersions?: readonly string[];
      /** Of `tools/list`: how many there are, and the first hundred names. */
      readonly tools?: readonly string[];
    }
  | {
      readonly kind: 'error';
      readonly id: string | number | null;
      readonly code: number;
      readonly message: string;
    };

/** Every request that may have been made. What was not asked is absent. */
export interface HttpFacts {
  readonly exchanges: Readonly<Partial<Record<ExchangeName, Exchange>>>;
  /** Shape of the session id that `initialize` gave; absent when it gave none. */
  readonly session?: { readonly length: number; readonly visible: boolean };
  /** Where else an MCP server answered, when the target's path did not: paths such as `/mcp/`. */
  readonly elsewhere: readonly string[];
  /** Calls of one session, each on a connection of its own. */
  readonly affinity: readonly Exchange[];
  /** Twenty harmless calls, one after the other as fast as they are answered, on one connection. */
  readonly persistent: readonly Exchange[];
  /** A quiet stream that was watched for `asked.idle`. */
  readonly quiet?: Exchange;
}

/**
 * Names of requests. Where nothing else is said it is a POST of `initialize` (2025-11-25) to the target, with the user's credential if
 * there is one.
 */
export type ExchangeName =
  /** Plain HTTP, at port 80 or where the user said it is: GET for a page. */
  | 'plain-get'
  /** The same with a POST and a made-up bearer token. */
  | 'plain-post'
  /** Plain HTTP sent to the TLS port. */
  | 'plain-on-tls'
  | 'initialize'
  /** Without the user's credential. */
  | 'initialize-anonymous'
  /** With a made-up bearer token, a JWT of no one. */
  | 'initialize-made-up'
  /** Over HTTP/2. */
  | 'initialize-h2'
  /** To the path with a slash added, or taken off. */
  | 'initialize-slash'
  | 'initialize-origin'
  | 'initialize-foreign-origin'
  | 'initialize-null-origin'
  | 'initialize-foreign-host'
  /** Offers to take compressed answers. */
  | 'initialize-compressed'
  /** `notifications/initialized` of the session. */
  | 'initialized'
  | 'tools-list'
  /** A method that no server has. */
  | 'unknown-method'
  /** `tools/list` with a session id of no one. */
  | 'unknown-session'
  /** `tools/list` without the session id that was given. */
  | 'missing-session'
  | 'bad-version'
  | 'bad-json'
  | 'wrong-type'
  /** GET for an event stream, with a session and without; watched for a moment. */
  | 'stream'
  | 'stream-anonymous'
  | 'stream-h2'
  /** GET as a browser does it. */
  | 'page'
  | 'delete'
  /** `tools/list` with the session that was deleted. */
  | 'after-delete'
  | 'put'
  | 'trace'
  /** Preflights: of the target's own origin with the headers of MCP, of a stranger. */
  | 'preflight'
  | 'preflight-foreign'
  /** 2026-07-28: `server/discover`, and requests whose headers tell another thing than their body. */
  | 'discover'
  | 'modern-missing-method-header'
  | 'modern-method-mismatch'
  | 'modern-name-mismatch'
  | 'modern-version-mismatch'
  | 'modern-unknown-version'
  /** Paths that are not the endpoint. */
  | 'root'
  | 'sibling'
  | 'beneath'
  | 'unknown-path'
  | 'upper-path'
  | 'dot-path'
  /** Bodies of 1.1 and 5 MB, a head with a token of 7.5 KiB. */
  | 'body-1m'
  | 'body-5m'
  | 'long-token'
  /** `tools/call` of the tool that the user named. */
  | 'call';
