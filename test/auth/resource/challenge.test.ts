import { expect, test } from 'vitest';
import { buildChallenge, tokenRefusals, type TokenRefusal } from '../../../src/auth/resource/challenge.ts';

const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const context = { metadataUrl, scopes: ['read', 'offline_access', 'write'] };

test('without a token nothing is called an error', () => {
  expect(buildChallenge({ kind: 'missing' }, context)).toBe(
    `Bearer scope="read write", resource_metadata="${metadataUrl}"`,
  );
  expect(buildChallenge({ kind: 'missing' }, { metadataUrl, scopes: [] })).toBe(
    `Bearer resource_metadata="${metadataUrl}"`,
  );
});

test.each(Object.keys(tokenRefusals) as TokenRefusal[])(
  'a token refused for %s is an invalid token',
  (refusal) => {
    expect(buildChallenge({ kind: 'invalid', refusal }, context)).toBe(
      `Bearer error="invalid_token", error_description="${tokenRefusals[refusal]}", scope="read write", resource_metadata="${metadataUrl}"`,
    );
  },
);

test('a step-up names all scopes of the operation', () => {
  expect(buildChallenge({ kind: 'insufficient' }, context)).toBe(
    `Bearer error="insufficient_scope", scope="read write", resource_metadata="${metadataUrl}"`,
  );
});

test('header-injection: no scope and no URL ends the string or the line', () => {
  const scopes = ['good', 'a"b', 'a\\b', 'a\r\nX-Evil: 1', 'a b', '', 'ü', '\0'];
  const value = buildChallenge(
    { kind: 'missing' },
    { metadataUrl: 'https://x/"\\\r\nSet-Cookie: a=b\u{2028}', scopes },
  );
  expect(value).toBe('Bearer scope="good", resource_metadata="https://x/\\"\\\\Set-Cookie: a=b"');
});
