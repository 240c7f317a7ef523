import { errors, interactionPolicy, type Adapter, type Client, type ProviderContext } from 'oidc-provider';
import type { Consents } from './consents.ts';
import { cookieNames, interactionPath } from './flow-cookies.ts';
import type { People } from './people.ts';
import type { RefreshRotation } from './refresh-rotation.ts';
import type { ServerKeys } from './server-keys.ts';
import { describeFetchFailure } from '../fetch/fetch-failure.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { publicTargets } from '../fetch/target-policy.ts';
import { clientAuthMethods, clientSigningAlgorithms, scopesOf, serverPaths } from './server-metadata.ts';
import type { ProtectedResource, ServerConfig } from './server-options.ts';

const MINUTE = 60;
const interactionSeconds: number = 10 * MINUTE;
const sessionSeconds = 12 * 60 * MINUTE;
const daySeconds = 24 * 60 * MINUTE;

export interface ProviderParts {
  readonly resources: readonly ProtectedResource[];
  readonly config: ServerConfig;
  readonly keys: ServerKeys;
  readonly adapter: (model: string) => Adapter;
  readonly people: People;
  readonly consents: Consents;
  readonly rotation: RefreshRotation;
  readonly fetchJson: SafeFetch;
  readonly renderError: (context: ProviderContext, out: { readonly error: string }) => void;
}

/** The settings of `oidc-provider`: what MCP needs is on, everything else is off. */
export function buildProviderConfiguration(parts: ProviderParts): object {
  const { resources, config, keys, adapter, people, consents, rotation } = parts;
  const accessSeconds = toSeconds(config.accessTokenLifetime);
  const refreshSeconds = toSeconds(config.refreshTokenLifetime);
  const cookie = { httpOnly: true, sameSite: 'lax', secure: true, signed: true, overwrite: true };
  return {
    adapter,
    jwks: { keys: [keys.signing] },
    cookies: { names: cookieNames, long: { ...cookie, path: '/' }, short: cookie, keys: [keys.cookie] },
    routes: {
      authorization: serverPaths.authorize,
      token: serverPaths.token,
      revocation: serverPaths.revoke,
      jwks: serverPaths.jwks,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context: unknown, _client: unknown, oneOf?: readonly string[]) =>
          chooseResource(resources, oneOf),
        getResourceServerInfo: (_context: unknown, indicator: string) =>
          toResourceServer(resources, indicator, accessSeconds),
        useGrantedResource: async () => true,
      },
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    clientAuthMethods: [...clientAuthMethods],
    enabledJWA: { clientAuthSigningAlgValues: [...clientSigningAlgorithms] },
    fetch: (url: string) => fetchKeys(parts.fetchJson, url),
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
    },
    clientBasedCORS: () => true,
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    interactions: {
      policy: buildPolicy(),
      url: (_context: unknown, { uid }: { uid: string }) => interactionPath(uid),
    },
    extraParams: { scope: completeScope },
    findAccount: async (_context: unknown, subject: string) => {
      const person = await people.find(subject);
      return person && { accountId: subject, claims: async () => ({ sub: subject }) };
    },
    loadExistingGrant: (context: ProviderContext) => loadGrant(context, consents),
    // Clients that can refresh may: whether `offline_access` is asked for differs from client to client.
    issueRefreshToken: async (_context: unknown, client: Client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    rotateRefreshToken: async (context: ProviderContext) => {
      const isRotated = await rotation.rotate(context);
      if (isRotated) await context.oidc.entities.Grant?.save(refreshSeconds + daySeconds);
      return isRotated;
    },
    extraTokenClaims: async (_context: unknown, token: { accountId?: string; grantId?: string }) => {
      const person = await people.find(token.accountId ?? '');
      const groups = person?.profile.groups ?? [];
      return {
        grant: token.grantId,
        preferred_username: person?.profile.name,
        ...(groups.length > 0 ? { groups } : undefined),
      };
    },
    revokeGrantPolicy: () => true,
    ttl: {
      AccessToken: accessSeconds,
      AuthorizationCode: MINUTE,
      IdToken: accessSeconds,
      Grant: refreshSeconds + daySeconds,
      Interaction: interactionSeconds,
      RefreshToken: refreshSeconds,
      Session: sessionSeconds,
    },
    renderError: async (context: ProviderContext, out: { readonly error: string }) =>
      parts.renderError(context, out),
  };
}

function toSeconds(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 1000));
}

/** Resources are asked for with and without a slash at the end. */
export function findResource(
  resources: readonly ProtectedResource[],
  indicator: string,
): ProtectedResource | undefined {
  const url = indicator.endsWith('/') ? indicator.slice(0, -1) : indicator;
  return resources.find((resource) => resource.url === url);
}

/** Clients of before RFC 8707 name no resource: with a single one it is clear which they mean. */
async function chooseResource(
  resources: readonly ProtectedResource[],
  oneOf: readonly string[] | undefined,
): Promise<string> {
  const choices = oneOf ?? resources.map(({ url }) => url);
  const [only] = choices;
  if (only === undefined || choices.length > 1) {
    throw new errors.InvalidTarget('name exactly one resource');
  }
  return only;
}

async function toResourceServer(
  resources: readonly ProtectedResource[],
  indicator: string,
  accessTokenTTL: number,
): Promise<object> {
  const resource = findResource(resources, indicator);
  if (resource === undefined) throw new errors.InvalidTarget('there is no such resource here');
  return {
    scope: scopesOf(resource).join(' '),
    audience: resource.url,
    accessTokenTTL,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  };
}

/** Whether a consent of before holds is decided in `loadGrant`, with the redirect in view; native clients are no case of their own. */
function buildPolicy(): object {
  const policy = interactionPolicy.base();
  policy.get('consent')?.checks.remove('native_client_prompt');
  return policy;
}

/** A request without a scope asks for all that the resource has to give; the consent page shows them. */
function completeScope(context: ProviderContext): void {
  const { params, resourceServers } = context.oidc;
  const known = Object.values(resourceServers).flatMap(({ scopes }) => [...scopes]);
  const asked = typeof params['scope'] === 'string' ? params['scope'].split(' ') : [];
  if (asked.some((scope) => known.includes(scope))) return;
  const unknown = asked.find((scope) => scope !== 'openid' && scope !== 'offline_access');
  const hasOwnScopes = known.length !== 1 || known[0] !== 'access';
  if (unknown !== undefined && hasOwnScopes) {
    throw new errors.InvalidScope('none of the scopes exists here', unknown);
  }
  params['scope'] = [...asked.filter((scope) => scope !== unknown), ...known].join(' ');
}

/** The grant that was just given, or a new one where a remembered consent covers everything that is asked for. */
async function loadGrant(context: ProviderContext, consents: Consents): Promise<unknown> {
  const { oidc } = context;
  const { Grant } = oidc.provider;
  const given = oidc.result?.consent?.grantId;
  if (given !== undefined) return Grant.find(given);
  const { account, client, params } = oidc;
  if (account === undefined || client === undefined || oidc.prompts.has('consent')) return undefined;
  const redirectUri = String(params['redirect_uri']);
  const asked = Object.entries(oidc.resourceServers).map(([indicator, { scopes }]) => ({
    indicator,
    scopes: [...oidc.requestParamScopes].filter((scope) => scopes.has(scope)),
  }));
  for (const { indicator, scopes } of asked) {
    const consent = {
      subject: account.accountId,
      clientId: client.clientId,
      redirectUri,
      resource: indicator,
      scopes,
    };
    if (!(await consents.covers(consent))) return undefined;
  }
  if (asked.length === 0) return undefined;
  const grant = new Grant({ accountId: account.accountId, clientId: client.clientId });
  for (const { indicator, scopes } of asked) grant.addResourceScope(indicator, scopes.join(' '));
  grant.addOIDCScope('openid offline_access');
  await grant.save();
  return grant;
}

/** Clients revoke their own tokens only, and learn nothing about others. */
async function isOwnToken(_context: unknown, client: Client, token: { clientId: string }): Promise<boolean> {
  return token.clientId === client.clientId;
}

/** All that the provider fetches are keys of clients, from addresses that strangers wrote (SSRF). */
async function fetchKeys(fetchJson: SafeFetch, url: string): Promise<Response> {
  const fetched = await fetchJson({ url, targets: publicTargets });
  if (!fetched.ok) throw new Error(describeFetchFailure(fetched.error));
  const { json, freshFor = 0 } = fetched.value;
  return Response.json(json, { headers: { 'Cache-Control': `max-age=${Math.floor(freshFor / 1000)}` } });
}
