import { createAccounts } from '../../auth/accounts/accounts.ts';
import { createClientMetadataLoader } from '../../auth/client-metadata/document.ts';
import { createProviderFetch } from '../../auth/fetch/provider-fetch.ts';
import type { SafeFetch } from '../../auth/fetch/safe-fetch.ts';
import type { AuthorizationServer } from '../../auth/server/authorization-server.ts';
import type { ServerEvent } from '../../auth/server/server-options.ts';
import type { AuthorizationServerConfig, Config } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import { readVersion } from '../../lib/version.ts';
import type { SharedTexts } from '../../state/shared-text.ts';
import type { Store } from '../../state/store/store.ts';
import { toOrigin, toPublicUrl } from '../public-url.ts';

export interface LoginServerOptions {
  /** Where replicas share keys; `undefined` where there are none. */
  readonly texts: SharedTexts | undefined;
  readonly store: Store;
  readonly clock: Clock;
  /** For URLs of clients, which strangers write. */
  readonly safeFetch: SafeFetch;
  /** Shows a login code to the owner, and to nobody else. */
  readonly onOwnerCode: (code: string) => void;
  readonly onGrantRevoked: (grantId: string) => void;
  readonly onEvent: (event: ServerEvent) => void;
}

/** The built-in authorization server, listening on its private socket. */
export interface LoginServer {
  readonly server: AuthorizationServer;
  readonly socketPath: string;
}

/** Starts the authorization server where a route has one; all of them have the same. */
export async function startLoginServer(
  config: Config,
  options: LoginServerOptions,
): Promise<LoginServer | undefined> {
  const section = findServer(config);
  if (section === undefined) return undefined;
  const { store, clock, safeFetch } = options;
  const { redirects, metadataHosts } = section;
  // It brings a library that half a second of every start would go to.
  const { createAuthorizationServer } = await import('../../auth/server/authorization-server.ts');
  const server = await createAuthorizationServer({
    issuer: toOrigin(config),
    resources: config.routes.flatMap((route) => {
      const { path, auth } = route;
      if (auth.kind === 'none' || auth.oauth?.server === undefined) return [];
      const url = toPublicUrl(config, route);
      return [{ url, name: new URL(url).host + path, scopes: auth.oauth.scopes }];
    }),
    config: section,
    store,
    clock,
    stateDir: config.stateDir,
    texts: options.texts,
    accounts: createAccounts(store, { clock }),
    loadClientMetadata: createClientMetadataLoader({
      fetchJson: safeFetch,
      clock,
      redirects,
      hosts: metadataHosts,
    }),
    fetchJson: safeFetch,
    fetch: createProviderFetch({ version: readVersion() }),
    onOwnerCode: options.onOwnerCode,
    onGrantRevoked: options.onGrantRevoked,
    onEvent: options.onEvent,
  });
  return { server, ...(await server.listen()) };
}

function findServer({ routes }: Config): AuthorizationServerConfig | undefined {
  for (const { auth } of routes) {
    if (auth.kind === 'required' && auth.oauth?.server !== undefined) return auth.oauth.server;
  }
  return undefined;
}
