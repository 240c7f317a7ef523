import { parseTarget, type TargetPolicy } from '../fetch/target-policy.ts';

/**
 * Reads a client_id that is the URL of a metadata document: https, a path, no fragment, userinfo or dot segments
 * (draft-ietf-oauth-client-id-metadata-document, Client Identifier URL), written the one way the URL parser writes it,
 * since it is compared as a string. `undefined` for all others.
 */
export function parseClientIdUrl(text: string, targets: TargetPolicy): URL | undefined {
  const url = parseTarget(text, targets);
  return url === undefined || url.pathname === '/' ? undefined : url;
}

/** Tells a client_id that asks for a metadata document from one that the server gave out itself. */
export function isClientIdUrl(clientId: string): boolean {
  return /^https:/i.test(clientId);
}
