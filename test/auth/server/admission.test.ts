import { describe, expect, it } from 'vitest';
import { isAdmitted, type Profile } from '../../../src/auth/server/admission.ts';
import { toProfile } from '../../../src/auth/server/oidc-login.ts';
import type { GithubLogin, OidcLogin } from '../../../src/auth/server/server-options.ts';

const nobody = { users: [], domains: [], groups: [] };
const bob: Profile = { id: 'u-17', name: 'bob', email: 'bob@example.org', groups: ['staff'] };

function oidc(allow: Partial<OidcLogin['allow']>): OidcLogin {
  const provider = {
    name: 'Login',
    issuer: 'https://login.example.org',
    clientId: 'a',
    clientSecret: 'b',
    scopes: [],
  };
  return { kind: 'oidc', ...provider, allow: { ...nobody, ...allow } };
}

function github(allow: Partial<GithubLogin['allow']>): GithubLogin {
  return {
    kind: 'github',
    clientId: 'a',
    clientSecret: 'b',
    allow: { users: [], organizations: [], ...allow },
  };
}

describe('allow-lists', () => {
  it.each([
    ['no list', oidc({}), true],
    ['address', oidc({ users: ['Bob@Example.org'] }), true],
    ['id', oidc({ users: ['u-17'] }), true],
    ['domain', oidc({ domains: ['EXAMPLE.org'] }), true],
    ['group', oidc({ groups: ['staff'] }), true],
    ['one list of several', oidc({ users: ['eve@example.org'], groups: ['staff'] }), true],
    ['other address', oidc({ users: ['eve@example.org'] }), false],
    ['chosen user name', oidc({ users: ['bob'] }), false],
    ['parent domain', oidc({ domains: ['org'] }), false],
    ['sub-domain', oidc({ domains: ['mail.example.org'] }), false],
    ['domain with an at', oidc({ domains: ['bob@example.org'] }), false],
    ['group by case', oidc({ groups: ['Staff'] }), false],
    ['GitHub user', github({ users: ['BOB'] }), true],
    ['GitHub organization', github({ organizations: ['Staff'] }), true],
    ['GitHub without a list', github({}), false],
    ['GitHub, neither', github({ users: ['eve'], organizations: ['other'] }), false],
  ])('%s: %#', (_name, login, expected) => {
    expect(isAdmitted(login, bob)).toBe(expected);
  });

  it('unverified-email: an address that nobody verified is none', () => {
    for (const email_verified of [false, undefined, 'true', 1]) {
      const profile = toProfile({ sub: 'u-17', email: 'bob@example.org', email_verified });
      expect(profile.email).toBeUndefined();
      expect(isAdmitted(oidc({ users: ['bob@example.org'], domains: ['example.org'] }), profile)).toBe(false);
    }
  });

  it('two-addresses: the domain is what follows the last at', () => {
    const email = 'a@example.org@evil.example.net';
    const profile = toProfile({ sub: 'u-18', email, email_verified: true });
    expect(isAdmitted(oidc({ domains: ['example.org'] }), profile)).toBe(false);
  });

  it('groups that are no texts do not count', () => {
    expect(toProfile({ sub: 'a', groups: ['x', 7, null, ['y']] }).groups).toEqual(['x']);
    expect(toProfile({ sub: 'a', groups: 'x' }).groups).toEqual([]);
  });
});
