import { buildResourceMetadata, rootMetadataPath, toMetadataPaths } from '../../auth/resource/metadata.ts';
import { scopesOf } from '../../auth/server/server-metadata.ts';
import type { Config } from '../../config/config.ts';
import { toOrigin, toPublicUrl } from '../public-url.ts';

/** The metadata documents of all routes with OAuth, by the paths they answer at; the first route's also at the root. */
export function buildResourceDocuments(config: Config): ReadonlyMap<string, string> {
  const documents = new Map<string, string>();
  for (const { path, auth } of config.routes) {
    if (auth.kind === 'none' || auth.oauth === undefined) continue;
    const { issuers, server, scopes } = auth.oauth;
    const document = JSON.stringify(
      buildResourceMetadata({
        resource: new URL(toPublicUrl(config, { path })),
        authorizationServers: [
          ...(server === undefined ? [] : [toOrigin(config)]),
          ...issuers.map(({ issuer }) => issuer),
        ],
        // The built-in server grants a scope of its own where there is none.
        scopes: server === undefined ? scopes : scopesOf({ scopes }),
        name: undefined,
      }),
    );
    for (const at of toMetadataPaths(path)) documents.set(at, document);
    if (!documents.has(rootMetadataPath)) documents.set(rootMetadataPath, document);
  }
  return documents;
}
