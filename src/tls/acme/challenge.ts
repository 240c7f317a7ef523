/** How a certificate authority finds out that a name is ours (RFC 8555 section 8, RFC 8737). */
export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01';

/** What the validator is to find. */
export interface PresentedChallenge {
  readonly type: ChallengeType;
  /** DNS name without `*.`, or IP address. */
  readonly name: string;
  readonly token: string;
  /** Token and account key thumbprint (RFC 8555 section 8.1). */
  readonly keyAuthorization: string;
}

/** Puts answers where a validator looks for them. */
export interface ChallengeSolver {
  readonly type: ChallengeType;
  /** Resolves when the validator can see the answer. Rejects with a GatewayError (E_ACME_HOOK). */
  present(challenge: PresentedChallenge, signal: AbortSignal): Promise<void>;
  /** Takes the answer away again; never rejects. */
  remove(challenge: PresentedChallenge): Promise<void>;
}
