import type { Diagnostic } from '../lib/diagnostic.ts';
import { listAccessSecrets, listOAuth, listServers, listTokenIssuers } from './access-places.ts';
import { findDuplicates, toConflictDiagnostics, type Conflict } from './conflict.ts';
import { isWildcard, resolveListeners } from './listeners.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

/** What the settings of access tokens and secrets contradict. */
export function checkOAuth(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = [
    ...needOneSecret(draft),
    ...needOneIssuerList(draft),
    ...needUniqueIssuers(draft),
    ...needKnownScopes(draft),
    ...needOneServer(draft),
    ...needUniqueLogins(draft),
    ...needPublicName(draft),
  ];
  return toConflictDiagnostics(conflicts, tree);
}

function needOneSecret(draft: Draft): Conflict[] {
  return listAccessSecrets(draft).flatMap(({ owner, name, what, env, file }): Conflict[] => {
    if ((env === undefined) !== (file === undefined)) return [];
    const isTwice = env !== undefined;
    const choice = `\`${name}_env\` or \`${name}_file\``;
    return [
      {
        path: isTwice ? [...owner, `${name}_env`] : owner,
        message: `\`${formatSettingName(owner)}\` has ${isTwice ? 'two' : 'no'} ${what}${isTwice ? 's' : ''}`,
        label: isTwice ? `a second ${what} for the same purpose` : `needs ${choice}`,
        fix: isTwice ? `keep ${choice}` : `add ${choice}; the ${what} itself is never written here`,
        ...(isTwice ? { other: { path: [...owner, `${name}_file`], label: 'the other is given here' } } : {}),
      },
    ];
  });
}

function needOneIssuerList(draft: Draft): Conflict[] {
  return listOAuth(draft).flatMap(({ path, oauth: { issuer, issuers } }): Conflict[] =>
    issuer === undefined || issuers === undefined
      ? []
      : [
          {
            path: [...path, 'issuer'],
            message: `\`${formatSettingName(path)}\` has both \`issuer\` and \`issuers\``,
            label: 'one of them is enough',
            fix: 'move this issuer into `issuers`',
            other: { path: [...path, 'issuers'], label: 'the others are here' },
          },
        ],
  );
}

/** Against a token that is checked by the looser of two settings. */
function needUniqueIssuers(draft: Draft): Conflict[] {
  return listOAuth(draft).flatMap(({ path, oauth }) => {
    const issuers = listTokenIssuers(path, oauth);
    // Two issuers that differ in a slash at the end are one to a person, and to many an issuer.
    const names = issuers.map(({ setting }) => setting.issuer.replace(/\/$/, ''));
    return findDuplicates(names).map(({ value, index, first }) => ({
      path: issuers[index]?.path ?? path,
      message: `the issuer \`${value}\` is given twice`,
      label: 'the same issuer again',
      fix: 'put the settings of both into one entry',
      other: { path: issuers[first]?.path ?? path, label: 'first given here' },
    }));
  });
}

function needKnownScopes(draft: Draft): Conflict[] {
  return listOAuth(draft).flatMap(({ path, oauth: { scopes, requiredScopes } }): Conflict[] => {
    if (scopes === undefined) return [];
    return requiredScopes.flatMap((scope, index) =>
      scopes.includes(scope)
        ? []
        : [
            {
              path: [...path, 'required_scopes', index],
              message: `\`${scope}\` is required, but not among the scopes that clients are told of`,
              label: 'no client would ask for it',
              fix: 'add it to `scopes`, or leave `scopes` out',
              other: { path: [...path, 'scopes'], label: 'not listed here' },
            },
          ],
    );
  });
}

function needOneServer(draft: Draft): Conflict[] {
  const [first, ...others] = listServers(draft);
  if (first === undefined) return [];
  return others
    .filter(({ server }) => JSON.stringify(server) !== JSON.stringify(first.server))
    .map(({ path }) => ({
      path,
      message: `\`${formatSettingName(path)}\` describes another authorization server`,
      label: 'a gateway has one',
      fix: 'describe it in one place, and write `server: true` in the others',
      other: { path: first.path, label: 'described here' },
    }));
}

function needUniqueLogins(draft: Draft): Conflict[] {
  return listServers(draft).flatMap(({ path, server }) => {
    const names = server.login.map((login) =>
      login.kind === 'oidc' ? `the provider \`${login.issuer}\`` : `\`${login.kind}\``,
    );
    return findDuplicates(names).map(({ value, index, first }) => ({
      path: [...path, 'login', index],
      message: `${value} is given twice as a way to log in`,
      label: 'the same way again',
      fix: 'keep one of them, with the lists of both',
      other: { path: [...path, 'login', first], label: 'first given here' },
    }));
  });
}

/** Tokens are for one URL, and what it is must not depend on what a request says of it (RFC 8707, RFC 9728 section 7.3). */
function needPublicName(draft: Draft): Conflict[] {
  const { domains } = draft;
  const listeners = resolveListeners(draft);
  const [first] = listOAuth(draft);
  if (first === undefined || domains === undefined || listeners === undefined) return [];
  if (draft.public_url !== undefined || domains.some((name) => !name.startsWith('*.'))) return [];
  const { host } = listeners.listen;
  const hasWildcard = domains.length > 0;
  if (!hasWildcard && !isWildcard(host)) return [];
  return [
    {
      path: first.path,
      message: `\`${formatSettingName(first.path)}\` needs the public name of this gateway`,
      label: 'tokens are for one URL, which has to be known',
      fix: 'add the public name to `domains`, or start with `--domain mcp.example.com`',
      other: hasWildcard
        ? { path: ['domains'], label: 'stands for many names' }
        : { path: ['listen'], label: 'stands for every address' },
    },
  ];
}
