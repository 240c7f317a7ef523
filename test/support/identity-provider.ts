import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

/** What the provider gets wrong on purpose. */
export type ProviderFault = 'nonce' | 'audience' | 'issuer' | 'state' | 'verifier' | 'signature';

/** A small OpenID provider behind a `fetch`: it knows one user, and checks PKCE as providers do. */
export interface IdentityProvider {
  readonly fetch: typeof fetch;
  /** The user logs in: the path of the gateway that the provider sends the browser to. */
  logIn(request: URL | undefined): string;
  /** How many requests came. */
  asked(): number;
}

const issuer = 'https://login.example.org';

export async function createIdentityProvider(
  claims: JWTPayload,
  fault?: ProviderFault,
): Promise<IdentityProvider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'one' };
  let request: URLSearchParams | undefined;
  let asked = 0;

  async function issueToken(): Promise<string> {
    const nonce = fault === 'nonce' ? 'another' : request?.get('nonce');
    return new SignJWT({ ...claims, nonce })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setSubject('user-17')
      .setIssuer(fault === 'issuer' ? 'https://evil.example.net' : issuer)
      .setAudience(fault === 'audience' ? 'another' : 'gateway')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(fault === 'signature' ? stranger.privateKey : privateKey);
  }

  async function redeem(form: URLSearchParams): Promise<Response> {
    const verifier = fault === 'verifier' ? 'another' : (form.get('code_verifier') ?? '');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (form.get('client_secret') !== 'of-the-gateway' || challenge !== request?.get('code_challenge')) {
      return Response.json({ error: 'invalid_grant' }, { status: 400 });
    }
    return Response.json({ access_token: 'opaque', token_type: 'bearer', id_token: await issueToken() });
  }

  const answer: typeof fetch = async (input, init) => {
    asked += 1;
    const asking = new Request(input, init);
    switch (new URL(asking.url).pathname) {
      case '/.well-known/openid-configuration':
        return Response.json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          id_token_signing_alg_values_supported: ['ES256'],
        });
      case '/jwks':
        return Response.json({ keys: [key] });
      case '/token':
        return redeem(new URLSearchParams(await asking.text()));
      default:
        return new Response(undefined, { status: 404 });
    }
  };

  return {
    asked: () => asked,
    fetch: answer,
    logIn(url) {
      request = url?.searchParams;
      const state = fault === 'state' ? 'another' : (request?.get('state') ?? '');
      return `/oauth/callback?${new URLSearchParams({ code: 'good', state }).toString()}`;
    },
  };
}
