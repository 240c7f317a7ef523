import type { AuthSetting } from './schema/auth.ts';
import type { ClientSecretSetting } from './schema/client-secret.ts';
import type { ServerSetting } from './schema/login.ts';
import { toIssuer, type OAuthSetting, type TokenIssuerSetting } from './schema/oauth.ts';
import type { RouteSetting } from './schema/route.ts';
import type { Draft } from './sections.ts';

type Path = readonly PropertyKey[];

export interface PlacedAuth {
  readonly path: Path;
  readonly auth: AuthSetting;
}

/** Every access control that is written: the default of all routes, and those of single ones. */
export function listAuths({ auth, routes = [] }: Draft): readonly PlacedAuth[] {
  const places = [
    { path: ['auth'] as Path, auth },
    ...routes.map((route, index) => ({ path: ['routes', index, 'auth'], auth: route?.auth })),
  ];
  return places.flatMap(({ path, auth: given }) => (given === undefined ? [] : [{ path, auth: given }]));
}

export interface PlacedRouteAuth extends PlacedAuth {
  readonly index: number;
  readonly route: RouteSetting;
}

/** What holds for each route, and where it is written; routes that are not valid are left out. */
export function listRouteAuths(draft: Draft): readonly PlacedRouteAuth[] {
  return (draft.routes ?? []).flatMap((route, index): PlacedRouteAuth[] => {
    if (route === undefined) return [];
    if (route.auth !== undefined)
      return [{ index, route, path: ['routes', index, 'auth'], auth: route.auth }];
    return [{ index, route, path: ['auth'], auth: draft.auth ?? { kind: 'none' } }];
  });
}

/** The access controls that take access tokens. */
export function listOAuth(draft: Draft): readonly { readonly path: Path; readonly oauth: OAuthSetting }[] {
  return listAuths(draft).flatMap(({ path, auth }) =>
    auth.kind === 'required' && auth.oauth !== undefined
      ? [{ path: [...path, 'oauth'], oauth: auth.oauth }]
      : [],
  );
}

/** Where an issuer stands below `oauth`; a mapping has its URL one level deeper. */
export interface PlacedTokenIssuer {
  readonly path: Path;
  readonly setting: TokenIssuerSetting;
}

export function listTokenIssuers(
  path: Path,
  { issuer, issuers = [] }: OAuthSetting,
): readonly PlacedTokenIssuer[] {
  return [
    ...(issuer === undefined ? [] : [{ path: [...path, 'issuer'], setting: toIssuer(issuer) }]),
    ...issuers.map((setting, index) => ({ path: [...path, 'issuers', index], setting })),
  ];
}

/** Every description of the built-in server; a gateway has one, so all of them have to say the same. */
export function listServers(
  draft: Draft,
): readonly { readonly path: Path; readonly server: ServerSetting }[] {
  return listOAuth(draft).flatMap(({ path, oauth: { server } }) =>
    server === undefined || server === true ? [] : [{ path: [...path, 'server'], server }],
  );
}

/** A secret that is named by a variable or a file, of which exactly one has to be given. */
export interface PlacedSecret {
  /** The mapping in which the two settings stand. */
  readonly owner: Path;
  readonly name: 'client_secret' | 'value';
  /** What it is, for people. */
  readonly what: string;
  readonly env: string | undefined;
  readonly file: string | undefined;
}

/** The secrets of issuers, logins and upstreams. */
export function listAccessSecrets(draft: Draft): readonly PlacedSecret[] {
  return [...listOAuth(draft).flatMap(listOAuthSecrets), ...listUpstreamSecrets(draft)];
}

function listOAuthSecrets({ path, oauth }: ReturnType<typeof listOAuth>[number]): PlacedSecret[] {
  const secrets = listTokenIssuers(path, oauth).flatMap(({ path: issuer, setting: { introspection } }) =>
    introspection === undefined ? [] : [toPlacedSecret([...issuer, 'introspection'], introspection)],
  );
  const { server } = oauth;
  if (server === undefined || server === true) return secrets;
  const logins = server.login.flatMap((login, index) =>
    login.kind === 'oidc' || login.kind === 'github'
      ? [toPlacedSecret([...path, 'server', 'login', index, login.kind], login)]
      : [],
  );
  return [...secrets, ...logins];
}

function listUpstreamSecrets({ routes = [] }: Draft): PlacedSecret[] {
  return routes.flatMap((route, index): PlacedSecret[] => {
    const credentials = route?.credentials;
    const owner = ['routes', index, 'credentials', credentials?.kind ?? ''];
    if (credentials?.kind === 'exchange') return [toPlacedSecret(owner, credentials)];
    if (credentials?.kind !== 'header') return [];
    const { value_env: env, value_file: file } = credentials;
    return [{ owner, name: 'value', what: 'value', env, file }];
  });
}

function toPlacedSecret(owner: Path, client: ClientSecretSetting): PlacedSecret {
  const { client_secret_env: env, client_secret_file: file } = client;
  return { owner, name: 'client_secret', what: 'secret', env, file };
}
