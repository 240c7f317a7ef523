import type { GithubLogin, OidcLogin } from './server-options.ts';

/** What an identity provider says about a user. */
export interface Profile {
  /** The provider's own, stable id of the user. */
  readonly id: string;
  /** The name that people know: a user name or an address. */
  readonly name: string;
  /** Only when the provider says that it is verified; anybody can write any address into a profile. */
  readonly email: string | undefined;
  /** Names of groups, or of GitHub organizations. */
  readonly groups: readonly string[];
}

/**
 * Do the allow-lists let this user in? Each filled list is one way in; with none filled an OpenID provider decides alone.
 */
export function isAdmitted(login: OidcLogin | GithubLogin, profile: Profile): boolean {
  const { users } = login.allow;
  const domains = login.kind === 'oidc' ? login.allow.domains : [];
  const groups = login.kind === 'oidc' ? login.allow.groups : login.allow.organizations;
  // Everybody has an account at GitHub, so no list there means nobody.
  if (users.length + domains.length + groups.length === 0) return login.kind === 'oidc';
  const email = profile.email?.toLowerCase();
  if (users.some((user) => namesOf(login, profile).includes(user.toLowerCase()))) return true;
  const domain = email?.slice(email.lastIndexOf('@') + 1);
  if (domain !== undefined && domains.some((allowed) => allowed.toLowerCase() === domain)) return true;
  return groups.some((group) =>
    login.kind === 'oidc'
      ? profile.groups.includes(group)
      : profile.groups.some((name) => name.toLowerCase() === group.toLowerCase()),
  );
}

/**
 * What a user cannot choose: with OpenID providers the id and a verified address, since anybody may take any `preferred_username`
 * (OpenID Connect Core §5.7); GitHub's user names belong to one user at a time.
 */
function namesOf(login: OidcLogin | GithubLogin, profile: Profile): readonly string[] {
  const own = login.kind === 'github' ? profile.name : profile.email;
  return [profile.id, ...(own === undefined ? [] : [own])].map((name) => name.toLowerCase());
}
