import { describe, expect, it } from 'vitest';
import { credentialFields, isCredentialField, readCredential } from '../../src/auth/credential.ts';

describe('the credential of a request', () => {
  it.each([
    [[], { kind: 'none' }],
    [['host', 'authorization', 'accept', 'x-api-key'], { kind: 'none' }],
    [['authorization', 'Bearer abc'], { kind: 'bearer', secret: 'abc' }],
    [['authorization', 'bearer   a.b-c_d~e+f/g='], { kind: 'bearer', secret: 'a.b-c_d~e+f/g=' }],
    [['authorization', 'BEARER abc'], { kind: 'bearer', secret: 'abc' }],
    [['authorization', 'Basic abc'], { kind: 'none' }],
    [['authorization', 'Bearer'], { kind: 'none' }],
    [['authorization', 'Bearer '], { kind: 'none' }],
    [['authorization', 'Bearer a b'], { kind: 'none' }],
    [['authorization', 'XBearer a'], { kind: 'none' }],
    [['authorization', ''], { kind: 'none' }],
    [['x-api-key', 'abc'], { kind: 'key', secret: 'abc' }],
    [['x-api-key', ''], { kind: 'none' }],
  ])('%j', (fields, credential) => {
    expect(readCredential(fields)).toEqual(credential);
  });

  it.each([
    [['authorization', 'Bearer a', 'x-api-key', 'a']],
    [['x-api-key', 'a', 'accept', '*/*', 'authorization', 'Basic b']],
    [['x-api-key', '', 'authorization', 'Bearer b']],
    [['authorization', 'Bearer a', 'authorization', 'Bearer b']],
    [['authorization', 'Basic a', 'authorization', 'Bearer b']],
    [['x-api-key', 'a', 'x-api-key', 'a']],
  ])('attack: two credentials, of which an upstream may read the other: %j', (fields) => {
    expect(readCredential(fields)).toEqual({ kind: 'ambiguous' });
  });
});

describe('the fields of credentials', () => {
  it('are those that one is read from', () => {
    for (const name of credentialFields) {
      expect(readCredential([name, 'Bearer abc']).kind).not.toBe('none');
      expect(isCredentialField(name)).toBe(true);
    }
  });

  it.each(['cookie', 'x-auth-token', 'proxy-authorization', ''])('are not %j', (name) => {
    expect(isCredentialField(name)).toBe(false);
  });
});
