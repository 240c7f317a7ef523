import { formatDuration } from '../lib/duration.ts';
import type {
  ApiKeyConfig,
  AuthConfig,
  AuthorizationServerConfig,
  ClientSecretConfig,
  ConcurrencyConfig,
  LoginConfig,
  OAuthConfig,
  RateConfig,
  RuleConfig,
  SecretSourceConfig,
  TokenIssuerConfig,
  UpstreamCredentialsConfig,
} from './config.ts';
import { present, type FileMapping, type FileValue } from './file-value.ts';
import { toIssuer } from './schema/oauth.ts';

/** Whether the setting at this path below the one that is printed was given. */
export type IsGiven = (...path: readonly PropertyKey[]) => boolean;

/** Access control in the words of the file. Hashes of keys are shortened, secrets named by where they come from. */
export function toAuthForm(auth: AuthConfig, isGiven: IsGiven): FileValue {
  if (auth.kind === 'none') return 'none';
  const { keys, certificates, oauth } = auth;
  if (oauth !== undefined && isGiven() && !isGiven('oauth')) return 'oauth';
  return present({
    keys: keys && (keys.stored ? 'stored' : keys.listed.map(toKeyForm)),
    certificates: certificates?.map(({ name, subject }) => ({ name, subject })),
    oauth: oauth && toOAuthForm(oauth, isGiven('oauth', 'issuer')),
  });
}

function toKeyForm({ name, sha256, scopes, expiresAt }: ApiKeyConfig): FileMapping {
  return present({
    name,
    sha256: `${sha256.slice(0, 8)}...`,
    scopes: notEmpty(scopes),
    expires: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
  });
}

function toOAuthForm(oauth: OAuthConfig, isSingle: boolean): FileMapping {
  const { issuers, server, audiences, scopes, requiredScopes, clockSkew } = oauth;
  return present({
    issuer: isSingle ? issuers[0]?.issuer : undefined,
    issuers: isSingle ? undefined : notEmpty(issuers.map(toIssuerForm)),
    server: server && toServerForm(server),
    audiences,
    scopes,
    required_scopes: requiredScopes,
    clock_skew: formatDuration(clockSkew),
  });
}

/** An issuer with nothing but defaults is its URL. */
function toIssuerForm(issuer: TokenIssuerConfig): FileValue {
  if (JSON.stringify(issuer) === JSON.stringify(toIssuer(issuer.issuer))) return issuer.issuer;
  const { introspection } = issuer;
  return present({
    issuer: issuer.issuer,
    jwks: issuer.jwksUri,
    introspection: introspection && { url: introspection.url, ...toClientForm(introspection) },
    algorithms: issuer.algorithms,
    audiences: issuer.audiences,
    types: issuer.types,
    claims: { ...issuer.claims },
    scope_prefix: issuer.scopePrefix === '' ? undefined : issuer.scopePrefix,
    ca: issuer.ca,
  });
}

function toServerForm(server: AuthorizationServerConfig): FileMapping {
  return {
    login: server.login.map(toLoginForm),
    registration: server.registration,
    redirects: server.redirects,
    metadata_hosts: server.metadataHosts,
    access_token: formatDuration(server.accessTokenLifetime),
    refresh_token: formatDuration(server.refreshTokenLifetime),
  };
}

function toLoginForm(login: LoginConfig): FileValue {
  switch (login.kind) {
    case 'accounts':
    case 'owner':
      return login.kind;
    case 'oidc': {
      const { name, issuer, scopes, allow } = login;
      return { oidc: present({ name, issuer, ...toClientForm(login), scopes, allow: toListsForm(allow) }) };
    }
    case 'github':
      return { github: present({ ...toClientForm(login), allow: toListsForm(login.allow) }) };
  }
}

function toClientForm(client: ClientSecretConfig & { readonly clientId: string }): FileMapping {
  return { client_id: client.clientId, ...toSourceForm('client_secret', client.clientSecretSource) };
}

function toSourceForm(name: string, source: SecretSourceConfig): FileMapping {
  return source.kind === 'file' ? { [`${name}_file`]: source.path } : { [`${name}_env`]: source.name };
}

/** A rule in the words of the file; its tools stand where they were written. */
export function toRuleForm(rule: RuleConfig, isGiven: IsGiven): FileMapping {
  const { effect, who, methods, tools, prompts, resources, scopes } = rule;
  const isShort = tools.length > 0 && !isGiven('tools');
  const { claims, ...lists } = who;
  return present({
    [effect]: isShort ? tools : true,
    who: toListsForm({ ...lists, ...(Object.keys(claims).length === 0 ? {} : { claims }) }),
    methods: notEmpty(methods),
    tools: isShort ? undefined : notEmpty(tools),
    prompts: notEmpty(prompts),
    resources: notEmpty(resources),
    scopes: notEmpty(scopes),
  });
}

export function toCredentialsForm(credentials: UpstreamCredentialsConfig): FileValue {
  switch (credentials.kind) {
    case 'none':
      return 'none';
    case 'header':
      return { header: { name: credentials.name, ...toSourceForm('value', credentials.valueSource) } };
    case 'jwt': {
      const { audience, lifetime } = credentials;
      return { jwt: present({ audience, lifetime: formatDuration(lifetime) }) };
    }
    case 'exchange': {
      const { tokenEndpoint: token_endpoint, audience, scopes } = credentials;
      return { exchange: present({ token_endpoint, ...toClientForm(credentials), audience, scopes }) };
    }
  }
}

export function toRateForm({ per, requests, within, routes, tools }: RateConfig): FileMapping {
  return present({
    per,
    requests,
    within: formatDuration(within),
    routes: notEmpty(routes),
    tools: notEmpty(tools),
  });
}

export function toConcurrencyForm({ per, calls, streams, routes }: ConcurrencyConfig): FileMapping {
  return present({ per, calls, streams, routes: notEmpty(routes) });
}

/** The lists that are not empty, or nothing when all are. */
function toListsForm(
  lists: Readonly<Record<string, readonly string[] | Readonly<Record<string, readonly string[]>>>>,
): FileMapping | undefined {
  const given = Object.entries(lists).filter(([, list]) => !Array.isArray(list) || list.length > 0);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function notEmpty<Entry extends FileValue>(list: readonly Entry[]): readonly Entry[] | undefined {
  return list.length === 0 ? undefined : list;
}
