import { isJsonObject, type JsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { parseRedirectUri } from './redirects.ts';

/** What a client says of itself in its metadata document, as far as it can be believed. */
export interface ClientMetadata {
  /** The URL of the document. */
  readonly clientId: string;
  /** For people: 1 to 100 characters without control and formatting characters. It proves nothing. */
  readonly clientName: string;
  /** At least one; each keeps the rules of `parseRedirectUri`. */
  readonly redirectUris: readonly string[];
  /** Empty when the document does not say. */
  readonly grantTypes: readonly string[];
  readonly scope: string | undefined;
  readonly authentication: ClientAuthentication;
}

/** How the client proves who it is at the token endpoint; a document that all can read has no shared secrets. */
export type ClientAuthentication =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'private_key_jwt';
      readonly keys: JsonObject | undefined;
      readonly keysUrl: string | undefined;
    };

/** Why a document is not that of a client; a fixed phrase without any text of the document. */
export type DocumentRefusal =
  | 'the client_id in the document is not its URL'
  | 'the document has no usable client_name'
  | 'the document has no usable redirect_uris'
  | 'a redirect URI in the document breaks the rules'
  | 'the document holds a secret'
  | 'the document asks for a way of authentication that needs a secret'
  | 'the document has no keys for private_key_jwt'
  | 'a field of the document has the wrong type';

export interface DocumentRules {
  readonly clientId: string;
  /** Further private-use redirects, as for `parseRedirectUri`. */
  readonly redirects: readonly string[];
}

const longestName = 100;
const mostRedirects = 50;
const mostGrantTypes = 10;
const longestScope = 1000;

/** Reads a client's metadata document (draft-ietf-oauth-client-id-metadata-document; fields of RFC 7591 section 2). */
export function parseClientMetadata(
  document: JsonObject,
  rules: DocumentRules,
): Result<ClientMetadata, DocumentRefusal> {
  // client-impersonation: whoever copies a document to another place does not become that client.
  if (document['client_id'] !== rules.clientId) return fail('the client_id in the document is not its URL');
  if ('client_secret' in document || 'client_secret_expires_at' in document)
    return fail('the document holds a secret');
  const name = document['client_name'];
  if (typeof name !== 'string' || !isShowable(name)) return fail('the document has no usable client_name');
  const redirectUris = parseRedirects(document['redirect_uris'], rules.redirects);
  if (!redirectUris.ok) return redirectUris;
  const authentication = parseAuthentication(document);
  if (!authentication.ok) return authentication;
  const { grant_types: grantTypes = [], scope } = document;
  if (!isTextList(grantTypes) || grantTypes.length > mostGrantTypes)
    return fail('a field of the document has the wrong type');
  if (scope !== undefined && (typeof scope !== 'string' || scope.length > longestScope)) {
    return fail('a field of the document has the wrong type');
  }
  return ok({
    clientId: rules.clientId,
    clientName: name.trim(),
    redirectUris: redirectUris.value,
    grantTypes,
    scope,
    authentication: authentication.value,
  });
}

/** consent-spoofing: no line breaks, no text that runs backwards, no invisible letters. */
function isShowable(name: string): boolean {
  return (
    name.trim() !== '' && name.length <= longestName && !/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)
  );
}

/** Apps that are not allowed here are left out; a document with a URI that is allowed nowhere is refused whole. */
function parseRedirects(value: unknown, allowed: readonly string[]): Result<string[], DocumentRefusal> {
  if (!isTextList(value) || value.length > mostRedirects)
    return fail('the document has no usable redirect_uris');
  const usable: string[] = [];
  for (const text of value) {
    const redirect = parseRedirectUri(text, allowed);
    if (redirect.ok) usable.push(text);
    else if (redirect.error !== 'unlisted') return fail('a redirect URI in the document breaks the rules');
  }
  return usable.length === 0 ? fail('the document has no usable redirect_uris') : ok(usable);
}

function parseAuthentication(document: JsonObject): Result<ClientAuthentication, DocumentRefusal> {
  const { token_endpoint_auth_method: method = 'none', jwks, jwks_uri: keysUrl } = document;
  if (jwks !== undefined && (!isJsonObject(jwks) || !Array.isArray(jwks['keys']))) {
    return fail('a field of the document has the wrong type');
  }
  if (keysUrl !== undefined && typeof keysUrl !== 'string')
    return fail('a field of the document has the wrong type');
  if (jwks !== undefined && holdsSecretKey(jwks)) return fail('the document holds a secret');
  if (method === 'none') return ok({ kind: 'none' });
  if (method !== 'private_key_jwt') {
    return fail('the document asks for a way of authentication that needs a secret');
  }
  // RFC 7591 section 2: not both.
  if ((jwks === undefined) === (keysUrl === undefined))
    return fail('the document has no keys for private_key_jwt');
  return ok({ kind: 'private_key_jwt', keys: jwks, keysUrl });
}

/** Members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1). */
function holdsSecretKey(jwks: JsonObject): boolean {
  const keys: unknown = jwks['keys'];
  if (!Array.isArray(keys)) return false;
  return keys.some(
    (key: unknown) => !isJsonObject(key) || ['d', 'p', 'q', 'k', 'oth'].some((member) => member in key),
  );
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
