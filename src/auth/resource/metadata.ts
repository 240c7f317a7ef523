/** What a protected resource says of itself (RFC 9728 section 2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name?: string;
}

export interface ResourceDescription {
  /** The configured public URL of the route, never one made of what a request says: a forged Host would send logins elsewhere. */
  readonly resource: URL;
  /** Issuer identifiers, as their tokens have them. */
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  /** For people. */
  readonly name: string | undefined;
}

/** Where the metadata is when the path of the resource is left out (RFC 9728 section 3). */
export const rootMetadataPath = '/.well-known/oauth-protected-resource';

/** Builds the metadata document of one route. */
export function buildResourceMetadata(description: ResourceDescription): ResourceMetadata {
  const { resource, authorizationServers, scopes, name } = description;
  return {
    resource: toResource(resource),
    authorization_servers: authorizationServers,
    scopes_supported: toAdvertisedScopes(scopes),
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
  };
}

/** Scopes that clients may be told of: `offline_access` is asked of the authorization server, not of a resource (MCP 2026-07-28). */
export function toAdvertisedScopes(scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes)].filter((scope) => scope !== 'offline_access');
}

/** Paths at which the metadata of the resource at this path answers, the one to name in challenges first; not the root one. */
export function toMetadataPaths(path: string): readonly [string, string] {
  const plain = `${rootMetadataPath}${withoutSlash(path)}`;
  return [plain, `${plain}/`];
}

/** The URL that challenges name as `resource_metadata`. */
export function toMetadataUrl(resource: URL): string {
  return `${resource.origin}${toMetadataPaths(resource.pathname)[0]}`;
}

/** The canonical URI of a resource: without query, fragment and a slash at the end. */
function toResource(resource: URL): string {
  return `${resource.origin}${withoutSlash(resource.pathname)}`;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
