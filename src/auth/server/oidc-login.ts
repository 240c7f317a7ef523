import * as client from 'openid-client';
import { fail, ok } from '../../lib/result.ts';
import type { ProviderFetch } from '../fetch/provider-fetch.ts';
import type { Profile } from './admission.ts';
import type { OidcLogin } from './server-options.ts';
import type { UpstreamLogin } from './upstream-login.ts';

const TIMEOUT_SECONDS = 10;

/** Login at any OpenID provider. Its metadata is read when the first user comes, and again after it could not be read. */
export function createOidcLogin(
  login: OidcLogin,
  options: { readonly redirectUri: string; readonly fetch: ProviderFetch },
): UpstreamLogin {
  const { redirectUri } = options;
  let discovered: Promise<client.Configuration> | undefined;

  function discover(): Promise<client.Configuration> {
    discovered ??= client
      .discovery(
        new URL(login.issuer),
        login.clientId,
        undefined,
        client.ClientSecretPost(login.clientSecret),
        {
          // The same call, but for narrower types.
          [client.customFetch]: (url, init) => options.fetch(url, init as RequestInit),
          timeout: TIMEOUT_SECONDS,
          // The signature of ID tokens, too: TLS alone vouches for them otherwise.
          execute: [client.enableNonRepudiationChecks],
        },
      )
      .catch((error: unknown) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  }

  async function readProfile(
    config: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): Promise<Profile | undefined> {
    const claims = tokens.claims();
    if (claims === undefined) return undefined;
    const hasUserInfo = config.serverMetadata().userinfo_endpoint !== undefined;
    // Many providers put addresses and groups only there; the subject is checked against the ID token's.
    const more = hasUserInfo ? await client.fetchUserInfo(config, tokens.access_token, claims.sub) : {};
    return toProfile({ ...more, ...claims });
  }

  return {
    label: login.name,
    async start({ state, nonce, verifier }) {
      try {
        const config = await discover();
        const challenge = await client.calculatePKCECodeChallenge(verifier);
        return ok(
          client.buildAuthorizationUrl(config, {
            redirect_uri: redirectUri,
            scope: login.scopes.join(' '),
            state,
            nonce,
            code_challenge: challenge,
            code_challenge_method: 'S256',
          }),
        );
      } catch (error) {
        return fail(explain(error));
      }
    },
    async finish(current, { state, nonce, verifier }) {
      try {
        const config = await discover();
        const tokens = await client.authorizationCodeGrant(config, current, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const profile = await readProfile(config, tokens);
        return profile === undefined ? fail('the provider sent no ID token') : ok(profile);
      } catch (error) {
        return fail(explain(error));
      }
    },
  };
}

/** An address counts only when the provider says that it is verified. */
export function toProfile(claims: Readonly<Record<string, unknown>>): Profile {
  const email =
    typeof claims['email'] === 'string' && claims['email_verified'] === true ? claims['email'] : undefined;
  const names = [claims['preferred_username'], email, claims['name'], claims['sub']];
  const name = names.find((value) => typeof value === 'string' && value !== '');
  const groups = Array.isArray(claims['groups']) ? claims['groups'] : [];
  return {
    id: typeof claims['sub'] === 'string' ? claims['sub'] : '',
    name: typeof name === 'string' ? name : '',
    email,
    groups: groups.filter((group) => typeof group === 'string'),
  };
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
