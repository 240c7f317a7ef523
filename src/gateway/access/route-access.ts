import type { CertificateVerifier } from '../../auth/client-certificate.ts';
import type { OutboundCredentials } from '../../auth/outbound/credentials.ts';
import type { Principal } from '../../auth/principal.ts';
import type { Challenger } from '../../auth/resource/challenger.ts';
import type { TokenVerifier } from '../../auth/resource/token-verifier.ts';
import type { Decider } from '../../auth/rules/decision-cache.ts';

/** Who may do what on a route, and what its upstream is told of them. */
export interface RouteAccess {
  /** `undefined` where strangers come in. */
  readonly check: RouteCheck | undefined;
  /** `undefined` allows everything. */
  readonly decide: Decider | undefined;
  /** `undefined` where the upstream is told nothing. */
  readonly credentials: OutboundCredentials | undefined;
}

/** How callers prove who they are; any of the ways does. */
export interface RouteCheck {
  readonly keys: KeyCheck | undefined;
  readonly certificates: CertificateVerifier | undefined;
  readonly tokens: TokenCheck | undefined;
  /** Tells whoever cannot come in how to. */
  readonly challenger: Challenger;
}

export interface KeyCheck {
  verify(key: string): Principal | undefined;
  /** Whether somebody whom `verify` returned may still come in. */
  isCurrent(principal: Principal): boolean;
}

export interface TokenCheck extends Pick<TokenVerifier, 'verify' | 'isCurrent'> {
  /** Scopes without which a token opens nothing. */
  readonly requiredScopes: readonly string[];
  /** Whether later stages need the token itself. */
  readonly isKept: boolean;
}

/** Whether somebody who came in may stay: keys and tokens end, a certificate belongs to its connection. */
export function isCurrent(check: RouteCheck, principal: Principal): boolean {
  switch (principal.method) {
    case 'key':
      return check.keys?.isCurrent(principal) === true;
    case 'token':
      return check.tokens?.isCurrent(principal) === true;
    case 'certificate':
      return true;
  }
}
