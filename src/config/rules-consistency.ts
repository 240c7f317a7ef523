import type { Diagnostic } from '../lib/diagnostic.ts';
import { listRouteAuths, type PlacedRouteAuth } from './access-places.ts';
import type { RuleConfig } from './config.ts';
import { toConflictDiagnostics, type Conflict } from './conflict.ts';
import { covers } from './rule-cover.ts';
import { listRouteNames } from './route-id.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

/** What rules, credentials of upstreams and rates contradict. */
export function checkRules(draft: Draft, tree: SourceTree): Diagnostic[] {
  const routes = listRouteAuths(draft);
  const conflicts = [
    ...routes.flatMap((route) => [
      ...needReachableRules(route),
      ...needScopes(route),
      ...needTokensForWho(route),
      ...needTokenToExchange(route),
    ]),
    ...needKnownRoutes(draft),
  ];
  return toConflictDiagnostics(conflicts, tree);
}

function needReachableRules({ index, route: { rules = [] } }: PlacedRouteAuth): Conflict[] {
  const path = ['routes', index, 'rules'];
  return rules.flatMap((rule, position): Conflict[] => {
    const first = rules.slice(0, position).findIndex((earlier) => covers(earlier, rule));
    if (first === -1) return [];
    const earlier = formatSettingName([...path, first]);
    return [
      {
        path: [...path, position],
        message: `\`${formatSettingName([...path, position])}\` never decides, because \`${earlier}\` comes first`,
        label: 'everything that it is about is decided already',
        fix: 'move it before the other rule, or remove it',
        other: { path: [...path, first], label: 'decides instead' },
      },
    ];
  });
}

/** Against rules that ask for what no caller can have, and lock everyone out. */
function needScopes({ index, path, auth, route: { rules = [] } }: PlacedRouteAuth): Conflict[] {
  if (auth.kind === 'required') {
    const { keys, oauth } = auth;
    const canHaveScopes = keys?.stored === true || keys?.listed.some(({ scopes }) => scopes.length > 0);
    if (oauth !== undefined || canHaveScopes === true) return [];
  }
  return rules.flatMap(({ scopes }, position): Conflict[] =>
    scopes.length === 0
      ? []
      : [
          {
            path: ['routes', index, 'rules', position, 'scopes'],
            message: `\`${formatSettingName(['routes', index, 'rules', position])}\` asks for scopes that no caller has`,
            label: 'scopes come with tokens, and with keys that have some',
            fix: 'add `oauth` or keys with `scopes` to `auth`, or leave `scopes` out',
            other: { path, label: 'no scopes from here' },
          },
        ],
  );
}

function needTokensForWho({ index, path, auth, route: { rules = [] } }: PlacedRouteAuth): Conflict[] {
  if (auth.kind === 'required' && auth.oauth !== undefined) return [];
  return rules.flatMap(({ who }, position): Conflict[] => {
    const asked = findTokenFact(who);
    if (asked === undefined) return [];
    const place = ['routes', index, 'rules', position, 'who', asked];
    return [
      {
        path: place,
        message: `\`${formatSettingName(place)}\` asks for what only tokens say`,
        label: 'fits no caller of this route',
        fix: 'add `oauth` to `auth`, or name callers in `principals`',
        other: { path, label: 'no tokens here' },
      },
    ];
  });
}

function findTokenFact(who: RuleConfig['who']): 'clients' | 'groups' | 'claims' | undefined {
  if (who.clients.length > 0) return 'clients';
  if (who.groups.length > 0) return 'groups';
  return Object.keys(who.claims).length > 0 ? 'claims' : undefined;
}

function needTokenToExchange({ index, path, auth, route: { credentials } }: PlacedRouteAuth): Conflict[] {
  if (credentials.kind !== 'exchange') return [];
  if (auth.kind === 'required' && auth.oauth !== undefined) return [];
  return [
    {
      path: ['routes', index, 'credentials', 'exchange'],
      message: `\`${formatSettingName(['routes', index, 'credentials'])}\` exchanges tokens, but no caller has one`,
      label: 'needs `oauth`',
      fix: 'add `oauth` to `auth`, or use `header` or `jwt`',
      other: { path, label: 'no tokens here' },
    },
  ];
}

/** Against a limit that holds nowhere because of a slip of the pen. */
function needKnownRoutes({ limits, routes }: Draft): Conflict[] {
  if (limits === undefined || routes === undefined || routes.includes(undefined)) return [];
  const known = new Set(routes.flatMap((route) => (route === undefined ? [] : listRouteNames(route))));
  return (['rates', 'concurrency'] as const).flatMap((list) =>
    limits[list].flatMap(({ routes: paths }, index) =>
      paths.flatMap((path, position): Conflict[] =>
        known.has(path)
          ? []
          : [
              {
                path: ['limits', list, index, 'routes', position],
                message: `\`${formatSettingName(['limits', list, index])}\` names a route that does not exist`,
                label: `one of ${[...known].map((name) => `\`${name}\``).join(', ')}`,
                fix: 'write the path as the route has it, or leave `routes` out',
              },
            ],
      ),
    ),
  );
}
