import { buildResourceMetadata, rootMetadataPath, toMetadataPaths } from '../../auth/resource/metadata.ts';
import { scopesOf } from '../../auth/server/server-metadata.ts';
import type { Config } from '../../config/config.ts';
import { toPublicUrl } from '../public-url.ts';
import { listIssuers, spellScopes } from './issuers.ts';

/** The metadata documents of all routes with OAuth, by the paths they answer at; the first route's also at the root. */
export function buildResourceDocuments(config: Config): ReadonlyMap<string, string> {
  const documents = new Map<string, string>();
  for (const { path, auth } of config.routes) {
    if (auth.kind === 'none' || auth.oauth === undefined) continue;
    const { oauth } = auth;
    const document = JSON.stringify(
      buildResourceMetadata({
        resource: new URL(toPublicUrl(config, { path })),
        authorizationServers: listIssuers(config, oauth),
        // The built-in server grants a scope of its own where there is none.
        scopes: spellScopes(oauth.server === undefined ? oauth.scopes : scopesOf(oauth), oauth),
        name: undefined,
      }),
    );
    for (const at of toMetadataPaths(path)) documents.set(at, document);
    if (!documents.has(rootMetadataPath)) documents.set(rootMetadataPath, document);
  }
  return documents;
}
