import { GatewayError } from '../../lib/gateway-error.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { ChallengeType } from '../acme/challenge.ts';

/** A certificate authority that signs without people, as renewal sees it. */
export interface CertificateIssuer {
  /** Stable and fit for a file name, such as `acme-v02.api.letsencrypt.org-directory`. */
  readonly id: string;
  /** For people: `Let's Encrypt`. */
  readonly title: string;
  /** Orders, proves and fetches one certificate with a new key. Rejects with an `IssueError`, or when the signal is aborted. */
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  /** When the authority wants a certificate renewed (RFC 9773); `undefined` when it does not say. Rejects with an `IssueError`. */
  renewalInfo(certificate: IssuedCertificate, signal: AbortSignal): Promise<RenewalInfo | undefined>;
}

export interface IssueRequest {
  /** DNS names, wildcards and IP addresses, in their canonical spelling. */
  readonly names: readonly [string, ...string[]];
  /** Challenge types that may be used, the preferred one first. */
  readonly challenges: readonly ChallengeType[];
  /** The certificate that the new one takes the place of, from the same authority (RFC 9773 section 5). */
  readonly replaces: IssuedCertificate | undefined;
  readonly onStep: (step: IssueStep) => void;
  readonly signal: AbortSignal;
}

/** Each is announced when it begins. */
export type IssueStep = 'account' | 'order' | 'challenge' | 'issue' | 'download';

export interface IssuedCertificate {
  /** PEM of the leaf and its intermediates, leaf first. */
  readonly chain: string;
  /** PEM (PKCS#8). Never logged. */
  readonly key: string;
}

/** Times are wall-clock milliseconds. */
export interface RenewalInfo {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly explanationUrl: string | undefined;
  /** Milliseconds until it is worth asking again. */
  readonly retryAfter: number;
}

export type IssueErrorCode = Extract<ErrorCode, `E_ACME_${string}`>;

/** Why no certificate came. */
export class IssueError extends GatewayError {
  declare readonly code: IssueErrorCode;
  /** Milliseconds after which the authority wants to be asked again, where it said so. */
  readonly retryAfter: number | undefined;

  constructor(
    code: IssueErrorCode,
    message: string,
    options?: { hint?: string; cause?: unknown; retryAfter?: number },
  ) {
    super(code, message, options);
    this.name = 'IssueError';
    this.retryAfter = options?.retryAfter;
  }
}
