import { readFile } from 'node:fs/promises';
import { buildCertificateVerifier } from '../../auth/client-certificate.ts';
import type { SafeFetch } from '../../auth/fetch/safe-fetch.ts';
import type { OutboundCredentials } from '../../auth/outbound/credentials.ts';
import { createPostForm } from '../../auth/outbound/post-form.ts';
import type { SigningKeys } from '../../auth/outbound/signing-keys.ts';
import { createTokenChallenger, plainChallenger, type Challenger } from '../../auth/resource/challenger.ts';
import { createIssuerKeys } from '../../auth/resource/issuer-keys.ts';
import { toMetadataUrl } from '../../auth/resource/metadata.ts';
import type { OwnIssuer, TokenVerifier } from '../../auth/resource/token-verifier.ts';
import { compileRules } from '../../auth/rules/compile.ts';
import { createDecider } from '../../auth/rules/decision-cache.ts';
import type { AuthorizationServer } from '../../auth/server/authorization-server.ts';
import type { Config, OAuthConfig, RouteConfig, TokenIssuerConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { toUpstreamOrigin } from '../../upstream/target.ts';
import { toOrigin, toPublicUrl } from '../public-url.ts';
import { buildKeyCheck } from './key-check.ts';
import { listIssuers, spellScopes } from './issuers.ts';
import type { KeyCheck, RouteAccess, RouteCheck, TokenCheck } from './route-access.ts';

export interface AccessMeans {
  readonly clock: Clock;
  /** For URLs of issuers, which the operator writes. */
  readonly safeFetch: SafeFetch;
  /** Where a route signs tokens for its upstream. */
  readonly signingKeys: SigningKeys | undefined;
  /** The built-in authorization server. */
  readonly login: AuthorizationServer | undefined;
  readonly storedKeys: KeyCheck | undefined;
  /** The state store cannot be read. */
  readonly onProblem: (error: unknown) => void;
  readonly onVerifier: (verifier: TokenVerifier) => void;
}

/** Builds what routes check with; what only tokens need is read where there are some. Rejects with a GatewayError where a file that is named cannot be read. */
export function createRouteAccessBuilder(
  config: Config,
  means: AccessMeans,
): (route: RouteConfig) => Promise<RouteAccess> {
  const { clock, login } = means;
  const keysOf = createIssuerKeys({ clock, fetch: means.safeFetch });
  const post = createPostForm({ clock });

  async function buildTokenCheck(route: RouteConfig, oauth: OAuthConfig): Promise<TokenCheck> {
    const { createTokenVerifier } = await import('../../auth/resource/token-verifier.ts');
    const verifier = createTokenVerifier({
      resource: new URL(toPublicUrl(config, route)),
      oauth: { ...oauth, issuers: await Promise.all(oauth.issuers.map(readRoots)) },
      own: oauth.server === undefined || login === undefined ? undefined : toOwnIssuer(config, login),
      keysOf,
      fetch: means.safeFetch,
      clock,
      onProblem: means.onProblem,
    });
    means.onVerifier(verifier);
    return {
      verify: (token) => verifier.verify(token),
      isCurrent: (principal) => verifier.isCurrent(principal),
      requiredScopes: oauth.requiredScopes,
      isKept: route.credentials.kind === 'exchange',
    };
  }

  async function buildCheck(route: RouteConfig): Promise<RouteCheck | undefined> {
    const { auth } = route;
    if (auth.kind === 'none') return undefined;
    const { keys, certificates, oauth } = auth;
    return {
      keys: keys && buildKeyCheck(keys, means),
      certificates: certificates && buildCertificateVerifier(certificates),
      tokens: oauth && (await buildTokenCheck(route, oauth)),
      challenger: toChallenger(config, route, oauth),
    };
  }

  async function buildCredentials(route: RouteConfig): Promise<OutboundCredentials | undefined> {
    const { credentials, upstreams, auth } = route;
    if (credentials.kind === 'none') return undefined;
    // Copies of a server are one audience.
    const [first] = upstreams;
    if (first === undefined) throw new TypeError('a route has at least one server');
    const oauth = auth.kind === 'none' ? undefined : auth.oauth;
    const issuers = oauth === undefined ? [] : listIssuers(config, oauth);
    const { createOutboundCredentials } = await import('../../auth/outbound/credentials.ts');
    return createOutboundCredentials(credentials, {
      clock,
      upstream: `${toUpstreamOrigin(first.target)}${first.target.path}`,
      issuer: toOrigin(config),
      soleIssuer: issuers.length === 1 ? issuers[0] : undefined,
      keys: means.signingKeys,
      post,
    });
  }

  return async (route) => ({
    check: await buildCheck(route),
    decide: route.rules && createDecider(compileRules(route.rules)),
    credentials: await buildCredentials(route),
  });
}

function toChallenger(config: Config, route: RouteConfig, oauth: OAuthConfig | undefined): Challenger {
  if (oauth === undefined) return plainChallenger;
  const { requiredScopes } = oauth;
  const metadataUrl = toMetadataUrl(new URL(toPublicUrl(config, route)));
  return createTokenChallenger({
    metadataUrl,
    requiredScopes,
    spell: (scopes) => spellScopes(scopes, oauth),
  });
}

function toOwnIssuer(config: Config, login: AuthorizationServer): OwnIssuer {
  return {
    issuer: toOrigin(config),
    jwks: () => login.jwks(),
    hasGrant: (grantId) => login.hasGrant(grantId),
  };
}

/** Puts the certificates in the place of the name of their file. */
async function readRoots(issuer: TokenIssuerConfig): Promise<TokenIssuerConfig> {
  if (issuer.ca === undefined) return issuer;
  try {
    return { ...issuer, ca: await readFile(issuer.ca, 'utf8') };
  } catch (error) {
    throw new GatewayError('E_CONFIG_VALUE', `cannot read \`${issuer.ca}\`: ${explainFileError(error)}`, {
      cause: error,
    });
  }
}
