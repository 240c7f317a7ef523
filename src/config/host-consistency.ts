import type { Diagnostic } from '../lib/diagnostic.ts';
import { coversName, isWildcardName } from '../lib/wildcard-name.ts';
import { listRouteAuths } from './access-places.ts';
import { findDuplicates, toConflictDiagnostics, type Conflict } from './conflict.ts';
import { isWildcard, resolveListeners } from './listeners.ts';
import { listPublicNames } from './public-names.ts';
import { isTakenHost, toRouteId, type RouteName } from './route-id.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

type Path = readonly PropertyKey[];

/** What the hosts of routes contradict. */
export function checkHosts(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = [...needServedHosts(draft), ...needOneUrl(draft), ...needHostLeft(draft)];
  return toConflictDiagnostics(conflicts, tree);
}

/** A path leads to one server for each host. */
export function needUniqueRoutes(draft: Draft, tree: SourceTree): Diagnostic[] {
  const places = listPlacedHosts(draft);
  return findDuplicates(places.map(toRouteId)).flatMap(({ index, first }): Diagnostic[] => {
    const [again, before] = [places[index], places[first]];
    if (again === undefined || before === undefined) return [];
    const { host, path } = again;
    const what = host === undefined ? `path \`${path}\`` : `path \`${path}\` for \`${host}\``;
    const label = `the same ${host === undefined ? 'path' : 'host and path'} again`;
    return [
      {
        severity: 'error',
        code: 'E_CONFIG_DUPLICATE_ROUTE',
        message: `two routes have the ${what}`,
        label,
        secondary: { ...tree.place(before.place), label: 'first given here' },
        ...tree.place(again.place),
      },
    ];
  });
}

interface PlacedHost extends RouteName {
  /** Where the host stands, or the path of a route without one. */
  readonly place: Path;
}

function listPlacedHosts({ routes = [] }: Draft): readonly PlacedHost[] {
  return routes.flatMap((route, index): readonly PlacedHost[] => {
    if (route === undefined) return [];
    const { path, hosts } = route;
    if (hosts.length === 0) return [{ host: undefined, path, place: ['routes', index, 'path'] }];
    const place = ['routes', index, 'host'];
    return hosts.map((host, position) => ({
      host,
      path,
      place: hosts.length === 1 ? place : [...place, position],
    }));
  });
}

/** Against routes that no request reaches: the gateway refuses every name that it does not serve. */
function needServedHosts(draft: Draft): Conflict[] {
  const served = listServedNames(draft);
  if (served === undefined) return [];
  return listPlacedHosts(draft).flatMap(({ host, place }): Conflict[] =>
    host === undefined || served.some((name) => coversName(name, host))
      ? []
      : [
          {
            path: place,
            message: `\`${host}\` is the host of a route, but no name of this gateway`,
            label: 'requests for it are refused, and no certificate has it',
            fix: `add \`${host}\` to \`domains\``,
            other: { path: ['domains'], label: 'not covered by these' },
          },
        ],
  );
}

/** Names that requests may be for, wildcards among them; `undefined` where they are not known before they are asked for. */
function listServedNames(draft: Draft): readonly string[] | undefined {
  const { domains, hosts, tls, public_url: publicUrl } = draft;
  const listeners = resolveListeners(draft);
  if (domains === undefined || hosts === undefined || tls === undefined || listeners === undefined)
    return undefined;
  if (tls.acme?.on_demand !== undefined) return undefined;
  return listPublicNames({ domains, hosts, publicUrl, address: listeners.listen.host });
}

/** Tokens are for one URL, and what it is must not depend on what a request says of it (RFC 8707, RFC 9728 section 7.3). */
function needOneUrl(draft: Draft): Conflict[] {
  return listRouteAuths(draft).flatMap(({ index, route: { hosts }, path, auth }): Conflict[] => {
    if (auth.kind === 'none' || auth.oauth === undefined) return [];
    const position = hosts.findIndex(isWildcardName);
    if (position === -1) return [];
    const place = ['routes', index, 'host'];
    return [
      {
        path: hosts.length === 1 ? place : [...place, position],
        message: `\`${formatSettingName(['routes', index])}\` takes access tokens under a name that stands for many`,
        label: 'tokens are for one URL, which has to be known',
        fix: 'list each host, or take keys in the place of tokens',
        other: { path, label: 'tokens are taken here' },
      },
    ];
  });
}

/** Against a route that is served nowhere, or whose tokens are for the URL of another: every name has a route of its own at the path. */
function needHostLeft(draft: Draft): Conflict[] {
  const served = listServedNames(draft);
  const listeners = resolveListeners(draft);
  if (served === undefined || listeners === undefined) return [];
  // Such a gateway answers to the addresses of its machine, too.
  const hasOthers = isWildcard(listeners.listen.host) && draft.domains?.length === 0;
  const places = listPlacedHosts(draft);
  return listRouteAuths(draft).flatMap(({ index, route: { path, hosts }, auth }): Conflict[] => {
    const other = places.find((each) => each.path === path && each.host !== undefined);
    if (hosts.length > 0 || other === undefined) return [];
    const left = served.find((name) => !isTakenHost(places, path, name));
    const needsUrl = auth.kind === 'required' && auth.oauth !== undefined;
    const hasHost = needsUrl ? left !== undefined && !isWildcardName(left) : hasOthers || left !== undefined;
    if (hasHost) return [];
    return [
      {
        path: ['routes', index, 'path'],
        message: `\`${formatSettingName(['routes', index])}\` has no host left at \`${path}\``,
        label: needsUrl
          ? 'its tokens would have no URL of their own'
          : 'every name has a route of its own there',
        fix: 'add a name to `domains`, or give the route the host that it is for',
        other: { path: other.place, label: 'the host of another route with this path' },
      },
    ];
  });
}
