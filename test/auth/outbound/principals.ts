import type { Principal } from '../../../src/auth/principal.ts';

/** A person who came with a token of an identity provider. */
export function buildTokenPrincipal(values: Partial<Principal> = {}): Principal {
  const { issuer = 'https://idp.example.com', subject = 'alice', client = 'cli' } = values;
  return {
    method: 'token',
    id: `token:${issuer} ${subject} ${client}`,
    name: 'alice',
    issuer,
    subject,
    client,
    scopes: ['tools:read', 'tools:call'],
    groups: ['staff'],
    claims: {},
    expiresAt: undefined,
    ...values,
  };
}

/** A program that came with an API key. */
export function buildKeyPrincipal(name: string): Principal {
  return {
    method: 'key',
    id: `key:${name}`,
    name,
    issuer: undefined,
    subject: undefined,
    client: undefined,
    scopes: [],
    groups: [],
    claims: {},
    expiresAt: undefined,
  };
}
