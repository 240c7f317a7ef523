import { buildResourceMetadata, rootMetadataPath, toMetadataPaths } from '../../auth/resource/metadata.ts';
import { scopesOf } from '../../auth/server/server-metadata.ts';
import type { Config } from '../../config/config.ts';
import { toRouteId } from '../../config/route-id.ts';
import { toPublicUrl } from '../public-url.ts';
import { listIssuers, spellScopes } from './issuers.ts';

/**
 * The metadata documents of all routes with OAuth, by the paths they answer at, behind the host of their route where it has one; the
 * first route's of a host, and of those without, also at the root.
 */
export function buildResourceDocuments(config: Config): ReadonlyMap<string, string> {
  const documents = new Map<string, string>();
  for (const route of config.routes) {
    const { host, path, auth } = route;
    if (auth.kind === 'none' || auth.oauth === undefined) continue;
    const { oauth } = auth;
    const document = JSON.stringify(
      buildResourceMetadata({
        resource: new URL(toPublicUrl(config, route)),
        authorizationServers: listIssuers(config, oauth),
        // The built-in server grants a scope of its own where there is none.
        scopes: spellScopes(oauth.server === undefined ? oauth.scopes : scopesOf(oauth), oauth),
        name: undefined,
      }),
    );
    for (const at of toMetadataPaths(path)) documents.set(toRouteId({ host, path: at }), document);
    const root = toRouteId({ host, path: rootMetadataPath });
    if (!documents.has(root)) documents.set(root, document);
  }
  return documents;
}
