import { listServers, listTokenIssuers } from './access-places.ts';
import type {
  AuthConfig,
  AuthorizationServerConfig,
  ClientSecretConfig,
  LoginConfig,
  OAuthConfig,
  SecretSourceConfig,
  TokenIssuerConfig,
  UpstreamCredentialsConfig,
} from './config.ts';
import type { AuthSetting } from './schema/auth.ts';
import type { ClientSecretSetting } from './schema/client-secret.ts';
import type { CredentialsSetting } from './schema/credentials.ts';
import { defaultServer, type LoginSetting, type ServerSetting } from './schema/login.ts';
import type { OAuthSetting, TokenIssuerSetting } from './schema/oauth.ts';
import type { Secrets } from './secrets.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';

type Path = readonly PropertyKey[];

export interface AccessContext {
  readonly draft: Draft;
  readonly secrets: Secrets;
  /** Makes the file name of the setting at the path absolute. */
  readonly file: (path: Path, name: string) => string;
}

/** Puts valid access control together; the path is where it is written. */
export function resolveAuth(path: Path, auth: AuthSetting, context: AccessContext): AuthConfig {
  if (auth.kind === 'none') return auth;
  const { oauth } = auth;
  return { ...auth, oauth: oauth && resolveOAuth([...path, 'oauth'], oauth, context) };
}

function resolveOAuth(path: Path, oauth: OAuthSetting, context: AccessContext): OAuthConfig {
  const { audiences, requiredScopes, clockSkew, server } = oauth;
  return {
    issuers: listTokenIssuers(path, oauth).map((issuer) =>
      resolveIssuer(issuer.path, issuer.setting, context),
    ),
    server: server && resolveServer([...path, 'server'], server, context),
    audiences,
    scopes: [...new Set(oauth.scopes ?? requiredScopes)],
    requiredScopes: [...new Set(requiredScopes)],
    clockSkew,
  };
}

function resolveIssuer(path: Path, setting: TokenIssuerSetting, context: AccessContext): TokenIssuerConfig {
  const { introspection, ca } = setting;
  return {
    ...setting,
    introspection: introspection && {
      url: introspection.url,
      ...resolveClient([...path, 'introspection'], introspection, context),
    },
    ca: ca === undefined ? undefined : context.file([...path, 'ca'], ca),
  };
}

/** A gateway has one server: a route that says nothing of it has the one that another describes. */
function resolveServer(
  path: Path,
  setting: ServerSetting | true,
  context: AccessContext,
): AuthorizationServerConfig {
  const [described] = listServers(context.draft);
  const place = setting === true ? (described ?? { path, server: defaultServer }) : { path, server: setting };
  return {
    ...place.server,
    login: place.server.login.map((login, index) =>
      resolveLogin([...place.path, 'login', index], login, context),
    ),
  };
}

function resolveLogin(path: Path, login: LoginSetting, context: AccessContext): LoginConfig {
  switch (login.kind) {
    case 'accounts':
    case 'owner':
      return login;
    case 'oidc': {
      const { kind, name, issuer, scopes, allow } = login;
      return { kind, name, issuer, ...resolveClient([...path, kind], login, context), scopes, allow };
    }
    case 'github': {
      const { kind, allow } = login;
      return { kind, ...resolveClient([...path, kind], login, context), allow };
    }
  }
}

export function resolveCredentials(
  path: Path,
  credentials: CredentialsSetting,
  context: AccessContext,
): UpstreamCredentialsConfig {
  switch (credentials.kind) {
    case 'none':
    case 'jwt':
      return credentials;
    case 'header': {
      const { kind, name, value_env: env, value_file: file } = credentials;
      const { value, source } = resolveSecret([...path, kind], { name: 'value', env, file }, context);
      return { kind, name, value, valueSource: source };
    }
    case 'exchange': {
      const { kind, tokenEndpoint, audience, scopes } = credentials;
      const client = resolveClient([...path, kind], credentials, context);
      return { kind, tokenEndpoint, ...client, audience, scopes };
    }
  }
}

function resolveClient(
  owner: Path,
  setting: ClientSecretSetting,
  context: AccessContext,
): ClientSecretConfig & { readonly clientId: string } {
  const { client_id: clientId, client_secret_env: env, client_secret_file: file } = setting;
  const { value, source } = resolveSecret(owner, { name: 'client_secret', env, file }, context);
  return { clientId, clientSecret: value, clientSecretSource: source };
}

function resolveSecret(
  owner: Path,
  secret: { readonly name: string; readonly env: string | undefined; readonly file: string | undefined },
  { secrets, file }: AccessContext,
): { readonly value: string; readonly source: SecretSourceConfig } {
  const { name, env } = secret;
  const path = [...owner, `${name}_${env === undefined ? 'file' : 'env'}`];
  return {
    value: secrets.get(formatSettingName(path)) ?? '',
    source:
      env === undefined
        ? { kind: 'file', path: file(path, secret.file ?? '') }
        : { kind: 'environment', name: env },
  };
}
