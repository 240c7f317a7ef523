import { toAdvertisedScopes } from '../../auth/resource/metadata.ts';
import type { Config, OAuthConfig } from '../../config/config.ts';
import { toOrigin } from '../public-url.ts';

/** The issuers whose tokens a route accepts: the built-in server first, which is the one that its own clients should use. */
export function listIssuers(config: Config, { server, issuers }: OAuthConfig): readonly string[] {
  return [...(server === undefined ? [] : [toOrigin(config)]), ...issuers.map(({ issuer }) => issuer)];
}

/** Scopes as clients are told of them: as they are for the built-in server, and as each issuer wants to be asked for them. */
export function spellScopes(scopes: readonly string[], { server, issuers }: OAuthConfig): readonly string[] {
  const prefixes = [...(server === undefined ? [] : ['']), ...issuers.map(({ scopePrefix }) => scopePrefix)];
  // Those that are not to be told are known by their short names alone.
  const told = toAdvertisedScopes(scopes);
  return [...new Set(prefixes)].flatMap((prefix) => told.map((scope) => `${prefix}${scope}`));
}
