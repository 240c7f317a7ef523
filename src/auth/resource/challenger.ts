import { buildChallenge, type TokenRefusal } from './challenge.ts';

/** Builds the challenges of one route: values of WWW-Authenticate. */
export interface Challenger {
  /** Nothing was shown. */
  missing(): string;
  /** What was shown does not count. */
  invalid(refusal: TokenRefusal): string;
  /** Scopes are missing: what the operation needs, besides what every token of the route does. */
  insufficient(scopes: readonly string[]): string;
}

/** Challenges that lead clients to the authorization server. */
export function createTokenChallenger(options: {
  readonly metadataUrl: string;
  /** Scopes that every token needs. */
  readonly requiredScopes: readonly string[];
  /** Turns scopes into what clients ask the issuers for. */
  readonly spell: (scopes: readonly string[]) => readonly string[];
}): Challenger {
  const { metadataUrl, requiredScopes, spell } = options;
  const context = { metadataUrl, scopes: spell(requiredScopes) };
  const missing = buildChallenge({ kind: 'missing' }, context);
  return {
    missing: () => missing,
    invalid: (refusal) => buildChallenge({ kind: 'invalid', refusal }, context),
    insufficient: (scopes) =>
      buildChallenge(
        { kind: 'insufficient' },
        { metadataUrl, scopes: spell([...requiredScopes, ...scopes]) },
      ),
  };
}

const plain = 'Bearer realm="breakwater"';

/** Where there is no server to send anyone to. */
export const plainChallenger: Challenger = {
  missing: () => plain,
  invalid: () => `${plain}, error="invalid_token"`,
  insufficient: () => `${plain}, error="insufficient_scope"`,
};
