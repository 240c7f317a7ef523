import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import type { AuthConfig, OAuthConfig } from '../../src/config/config.ts';

/** An issuer of access tokens on loopback, with metadata and keys. */
export interface TokenIssuer {
  readonly issuer: string;
  /** Requests for its keys so far. */
  readonly fetches: number;
  /** Signs a token for `https://mcp.example.com/mcp` that is good for ten minutes, unless told otherwise. */
  issue(claims?: JWTPayload): Promise<string>;
  /** A route's protection that takes its tokens. */
  auth(changes?: Partial<OAuthConfig>): AuthConfig;
  stop(): Promise<void>;
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'one' };
  let fetches = 0;
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/keys') {
      fetches += 1;
      response.end(JSON.stringify({ keys: [key] }));
    } else response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  return {
    issuer,
    get fetches() {
      return fetches;
    },
    issue(claims = {}) {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: issuer,
        aud: 'https://mcp.example.com/mcp',
        sub: 'alice',
        client_id: 'desk',
        iat: now,
        exp: now + 600,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
        .sign(privateKey);
    },
    auth: (changes = {}) => ({
      kind: 'required',
      keys: undefined,
      certificates: undefined,
      oauth: {
        issuers: [
          {
            issuer,
            jwksUri: undefined,
            introspection: undefined,
            algorithms: ['ES256'],
            audiences: [],
            types: [],
            claims: { subject: 'sub', client: 'client_id', scopes: 'scope', groups: 'groups' },
            scopePrefix: '',
            ca: undefined,
          },
        ],
        server: undefined,
        audiences: [],
        scopes: ['read', 'write'],
        requiredScopes: [],
        clockSkew: 0,
        ...changes,
      },
    }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
