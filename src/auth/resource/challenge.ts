import { toAdvertisedScopes } from './metadata.ts';

/** What is told to whoever sends something that does not count; fixed texts, so that nothing of it comes back. */
export const tokenRefusals = {
  malformed: 'the token is malformed',
  algorithm: 'the token is signed in a way that is not accepted',
  signature: 'the signature of the token is wrong, or its key is unknown',
  type: 'the token is not an access token',
  issuer: 'the issuer of the token is not accepted',
  audience: 'the token is for another resource',
  expired: 'the token has expired',
  early: 'the token does not count yet',
  claims: 'the token lacks a claim, or has an unusable one',
  inactive: 'the token is not active',
  key: 'the key is not known, or no longer',
} as const;

export type TokenRefusal = keyof typeof tokenRefusals;

/** Why a request is turned away. */
export type ChallengeCause =
  /** No token: no `error`, since nothing was wrong with what was sent (RFC 6750 section 3). Status 401. */
  | { readonly kind: 'missing' }
  /** Status 401. */
  | { readonly kind: 'invalid'; readonly refusal: TokenRefusal }
  /** Status 403; the scopes are all that the operation needs, so that one step-up is enough. */
  | { readonly kind: 'insufficient' };

export interface ChallengeContext {
  /** URL of the metadata document (RFC 9728 section 5.1). */
  readonly metadataUrl: string;
  /** Scopes to ask for. */
  readonly scopes: readonly string[];
}

/** Builds the value of a WWW-Authenticate field (RFC 6750 section 3). */
export function buildChallenge(cause: ChallengeCause, { metadataUrl, scopes }: ChallengeContext): string {
  const scope = toAdvertisedScopes(scopes).filter(isScopeToken).join(' ');
  const parameters = [...toErrorParameters(cause)];
  if (scope !== '') parameters.push(`scope=${quote(scope)}`);
  parameters.push(`resource_metadata=${quote(metadataUrl)}`);
  return `Bearer ${parameters.join(', ')}`;
}

function toErrorParameters(cause: ChallengeCause): readonly string[] {
  switch (cause.kind) {
    case 'missing':
      return [];
    case 'invalid':
      return ['error="invalid_token"', `error_description=${quote(tokenRefusals[cause.refusal])}`];
    case 'insufficient':
      return ['error="insufficient_scope"'];
  }
}

/** RFC 6749 section 3.3. */
function isScopeToken(scope: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);
}

/** header-injection: what is not printable ASCII is dropped, and what would end the string is escaped (RFC 9110 section 5.6.4). */
function quote(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
}
