/**
 * Who may call: everyone, holders of the token, or holders of the token whose answer may be remembered for 10 s; `issued-token` is the
 * last with a token that an issuer signed, which Breakwater verifies, with rules and limits beside.
 */
export type Check = 'none' | 'token' | 'cached-token' | 'issued-token';

/** What a peer is set up with; all files go into `directory`, which is its own. */
export interface PeerSetup {
  readonly directory: string;
  readonly upstreamPort: number;
  /** Where a proxy that does not check tokens itself asks: 204 for the token, 401 for anything else. */
  readonly authPort: number;
  readonly check: Check;
  /** Event streams that are held at a time; 0 where a row makes calls alone. */
  readonly streams: number;
  /** Processes that carry traffic, where a peer has them; 1 in all rows but one. */
  readonly workers: number;
  /** PEM files of the one certificate all peers serve. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** A program that is ready to be started. */
export interface PeerProgram {
  readonly command: readonly string[];
  readonly port: number;
}

/** Whether a program is on this machine. */
export type Availability =
  | { readonly kind: 'found'; readonly version: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** A proxy that can be measured. */
export interface Peer {
  readonly name: string;
  /** True for a program that cannot do TLS: it is measured without, which favours it. */
  readonly isPlain?: true;
  /** True for a proxy that speaks MCP itself: it wants a session first and writes messages anew. */
  readonly isMcpEndpoint?: true;
  /** True for a peer that is measured only where `--peers` names it. */
  readonly isOnRequest?: true;
  /** True for a program that has no check of tokens at all. */
  readonly isUnchecked?: true;
  /** Why it takes no part in a row, by the id of the row. */
  readonly cannot?: Readonly<Record<string, string>>;
  /** What a reader has to know to compare it fairly. */
  readonly note?: string;
  find(): Availability;
  prepare(setup: PeerSetup): Promise<PeerProgram>;
}
