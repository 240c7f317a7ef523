/** What the OAuth clients of the TypeScript SDK, both versions, keep; all in memory. */
export interface RememberingProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: {
    readonly client_name: string;
    readonly redirect_uris: string[];
    readonly token_endpoint_auth_method: string;
    readonly grant_types: string[];
  };
  /** Where the user has to go. */
  readonly authorization: URL | undefined;
  clientInformation(): never;
  saveClientInformation(information: unknown): void;
  tokens(): never;
  saveTokens(tokens: unknown): void;
  redirectToAuthorization(url: URL): void;
  saveCodeVerifier(verifier: string): void;
  codeVerifier(): string;
  /** Lets the access token be an old one, so that the client has to refresh it. */
  spoilAccessToken(): void;
  readonly kept: { readonly access_token: string; readonly refresh_token?: string } | undefined;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string;
}

export function createRememberingProvider(name: string): RememberingProvider {
  const redirectUrl = 'http://127.0.0.1:41789/callback';
  let information: unknown;
  let tokens: Tokens | undefined;
  let authorization: URL | undefined;
  let verifier = '';
  return {
    redirectUrl,
    clientMetadata: {
      client_name: name,
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    },
    get authorization() {
      return authorization;
    },
    get kept() {
      return tokens;
    },
    // The two versions name what they keep differently; to this keeper it is all the same.
    clientInformation: () => information as never,
    saveClientInformation: (given) => void (information = given),
    tokens: () => tokens as never,
    saveTokens: (given) => void (tokens = given as Tokens),
    redirectToAuthorization: (url) => void (authorization = url),
    saveCodeVerifier: (given) => void (verifier = given),
    codeVerifier: () => verifier,
    spoilAccessToken() {
      if (tokens !== undefined) tokens = { ...tokens, access_token: `${tokens.access_token}x` };
    },
  };
}
