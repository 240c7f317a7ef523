/** What a request shows to prove who calls. */
export type Credential =
  /** Nothing of the kinds that are read here. */
  | { readonly kind: 'none' }
  /** More than one: the gateway would check one, and a lenient upstream read the other. */
  | { readonly kind: 'ambiguous' }
  /** A token or key, from `Authorization: Bearer` (RFC 6750 section 2.1). */
  | { readonly kind: 'bearer'; readonly secret: string }
  /** A key, from `X-API-Key`. */
  | { readonly kind: 'key'; readonly secret: string };

/** Where a client shows credentials that are read here, in lower case. */
export const credentialFields = ['authorization', 'x-api-key'] as const;

/** Whether a field is one of them; asked of each field of a request. */
export function isCredentialField(name: string): boolean {
  return name === 'authorization' || name === 'x-api-key';
}

const none: Credential = { kind: 'none' };
const ambiguous: Credential = { kind: 'ambiguous' };

/**
 * Reads the credential from header fields in the form name, value, name, value, with names in lower case. Credentials are never
 * taken from the address of a request, which logs and histories keep (RFC 9700 section 4.3.2).
 */
export function readCredential(fields: readonly string[]): Credential {
  let authorization: string | undefined;
  let apiKey: string | undefined;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index];
    if (name === 'authorization') {
      if (authorization !== undefined) return ambiguous;
      authorization = fields[index + 1] ?? '';
    } else if (name === 'x-api-key') {
      if (apiKey !== undefined) return ambiguous;
      apiKey = fields[index + 1] ?? '';
    }
  }
  if (apiKey !== undefined) {
    if (authorization !== undefined) return ambiguous;
    return apiKey === '' ? none : { kind: 'key', secret: apiKey };
  }
  const secret = authorization === undefined ? undefined : /^bearer +(\S+)$/i.exec(authorization)?.[1];
  return secret === undefined ? none : { kind: 'bearer', secret };
}
