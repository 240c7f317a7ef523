import { listAuths, listRouteAuths, listServers } from './access-places.ts';
import type { Risk } from './risks.ts';
import type { RuleConfig } from './config.ts';
import { listTargets } from './split.ts';
import { listRouteNames } from './route-id.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';

/** Access control that works but is weaker, or does less, than it looks. */
export function findAccessRisks(draft: Draft, now: number): Risk[] {
  return [
    ...expiredKeys(draft, now),
    ...openLogins(draft),
    ...credentialsForEveryone(draft),
    ...audienceOfOneServer(draft),
    ...rulesForNobody(draft),
    ...sharedCounts(draft),
  ];
}

function expiredKeys(draft: Draft, now: number): Risk[] {
  return listAuths(draft).flatMap(({ path, auth }) => {
    const listed = auth.kind === 'required' ? (auth.keys?.listed ?? []) : [];
    return listed.flatMap(({ name, expiresAt = Infinity }, index): Risk[] =>
      expiresAt > now
        ? []
        : [
            {
              path: [...path, 'keys', index, 'expires'],
              message: `the key \`${name}\` of \`${formatSettingName(path)}\` has expired`,
              label: 'lets nobody in any more',
              fix: 'remove the key, or give it a new date',
            },
          ],
    );
  });
}

function openLogins(draft: Draft): Risk[] {
  return listServers(draft).flatMap(({ path, server }) =>
    server.login.flatMap((login, index): Risk[] => {
      if (login.kind !== 'oidc') return [];
      const { users, domains, groups } = login.allow;
      if (users.length + domains.length + groups.length > 0) return [];
      const place = [...path, 'login', index, 'oidc'];
      return [
        {
          path: place,
          message: `\`${formatSettingName(place)}\` lets in everyone who has an account there`,
          label: 'right only for a provider of your own',
          fix: 'add `allow` with `users`, `domains` or `groups`',
        },
      ];
    }),
  );
}

/** What an upstream is shown then says nothing of who calls. */
function credentialsForEveryone(draft: Draft): Risk[] {
  return listRouteAuths(draft).flatMap(({ index, auth, route: { credentials } }): Risk[] =>
    auth.kind !== 'none' || credentials.kind === 'none' || credentials.kind === 'exchange'
      ? []
      : [
          {
            path: ['routes', index, 'credentials', credentials.kind],
            message: `\`${formatSettingName(['routes', index])}\` has credentials for the upstream and no access control`,
            label: 'everyone who reaches the route acts with them',
            fix: 'add `auth` to the route, or remove `credentials`',
          },
        ],
  );
}

/** Tokens are for the URL of one server; the other copies may refuse them. */
function audienceOfOneServer(draft: Draft): Risk[] {
  return (draft.routes ?? []).flatMap((route, index): Risk[] => {
    if (route === undefined || listTargets(route).length < 2) return [];
    const { credentials } = route;
    if ((credentials.kind !== 'jwt' && credentials.kind !== 'exchange') || credentials.audience !== undefined)
      return [];
    return [
      {
        path: ['routes', index, 'credentials', credentials.kind],
        message: `the tokens of \`${formatSettingName(['routes', index])}\` are for the first of its servers`,
        label: 'the others see the audience of another URL',
        fix: 'set `audience` to what all of them accept',
      },
    ];
  });
}

function rulesForNobody(draft: Draft): Risk[] {
  return listRouteAuths(draft).flatMap(({ index, auth, route: { rules = [] } }) =>
    rules.flatMap(({ who }, position): Risk[] => {
      if (auth.kind !== 'none' || !asksForIdentity(who)) return [];
      const place = ['routes', index, 'rules', position, 'who'];
      return [
        {
          path: place,
          message: `\`${formatSettingName(place)}\` fits no caller, because the route asks nobody who they are`,
          label: 'the rule never decides',
          fix: 'add `auth` to the route, or leave `who` out',
        },
      ];
    }),
  );
}

/** Facts that only tokens say are told as a contradiction already. */
function asksForIdentity({ principals, issuers, subjects }: RuleConfig['who']): boolean {
  return (
    (principals.length > 0 && !principals.includes('anonymous')) || issuers.length > 0 || subjects.length > 0
  );
}

function sharedCounts(draft: Draft): Risk[] {
  const auths = listRouteAuths(draft);
  return (['rates', 'concurrency'] as const).flatMap((list) =>
    (draft.limits?.[list] ?? []).flatMap(({ per, routes }, index): Risk[] => {
      if (per !== 'principal' && per !== 'client') return [];
      const covered = auths.filter(
        ({ route }) => routes.length === 0 || listRouteNames(route).some((name) => routes.includes(name)),
      );
      if (covered.length === 0 || covered.some(({ auth }) => auth.kind !== 'none')) return [];
      return [
        {
          path: ['limits', list, index, 'per'],
          message: `\`${formatSettingName(['limits', list, index])}\` counts callers that nobody knows`,
          label: `without access control there is no ${per}`,
          fix: 'write `per: address`, or add `auth`',
        },
      ];
    }),
  );
}
