import type { ErrorEntry } from '../error-entry.ts';

export type AuthErrorCode =
  | 'E_AUTH_REQUIRED'
  | 'E_AUTH_INVALID'
  | 'E_AUTH_SCOPE'
  | 'E_AUTH_CERTIFICATE'
  | 'E_AUTH_UNAVAILABLE'
  | 'E_AUTH_KEYS_FILE';

/** `E_AUTH_`: who calls. */
export const authErrorCodes: { readonly [code in AuthErrorCode]: ErrorEntry } = {
  E_AUTH_REQUIRED: {
    title: 'a login or an API key is needed',
    explanation:
      'The route is protected and the request carried no bearer token. Where the route offers a login, the challenge leads clients to it (RFC 9728); `breakwater client` prints how each client is set up.',
    fix: 'log in with the client, or send `Authorization: Bearer <key>`',
    status: 401,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_INVALID: {
    title: 'the token or API key is not valid',
    explanation:
      'What the request carried is not a key that counts, nor a token that an accepted issuer made for this URL and that has not ended. For tokens the challenge says which of these it is.',
    fix: 'log in again, or check the key in the client',
    status: 401,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_SCOPE: {
    title: 'the token lacks a scope that this operation needs',
    explanation:
      'The rules of the route ask for scopes that the token does not carry. The challenge names all of them, so that the client can ask the user for more (OAuth 2.1 step-up).',
    fix: 'log in again and grant the scopes, or correct the rules of the route',
    status: 403,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_CERTIFICATE: {
    title: 'a client certificate is needed',
    explanation:
      'The route admits clients by certificate. The connection had none, or one whose subject is not listed.',
    fix: 'configure the client with a certificate that this route admits',
    status: 403,
    rpcCode: -32600,
    exit: 3,
  },
  E_AUTH_UNAVAILABLE: {
    title: 'the token cannot be checked just now',
    explanation:
      "The keys of the token's issuer could not be fetched and none are known yet, or its introspection service does not answer. A token that cannot be checked is not accepted.",
    fix: 'try again; check that this machine reaches the issuer',
    status: 503,
    rpcCode: -31503,
  },
  E_AUTH_KEYS_FILE: {
    title: 'a file with keys cannot be used',
    explanation:
      'A file in the state directory cannot be trusted. Either `keys.json`, where earlier versions kept the digests of the API keys, is damaged: starting without it would lock out every client that has one of them. Or `auth/server-keys.json`, which the built-in authorization server signs with, is damaged, belongs to another user, or can be read or written by others, who could log in as anybody.',
    fix: 'restore the file from a backup; run `chmod 600` on `server-keys.json` if nobody else had it; or delete the file to go on without its keys',
    exit: 2,
  },
};
