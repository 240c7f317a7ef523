import { isIP } from 'node:net';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { findDuplicates, toConflictDiagnostics, type Conflict } from './conflict.ts';
import type { UpstreamTarget } from './config.ts';
import { formatUpstream } from './file-form.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';
import type { UpstreamServerConfig } from './upstream-config.ts';

/** A server of a route, and where it is written. */
export interface PlacedUpstream {
  readonly route: number;
  readonly target: UpstreamTarget;
  readonly path: readonly PropertyKey[];
}

export function listUpstreams(draft: Draft, tree: SourceTree): PlacedUpstream[] {
  return listPlacedLists(draft).flatMap(({ route, base, upstreams }) =>
    upstreams.map(({ target }, at) => ({ route, target, path: toPath(base, at, tree) })),
  );
}

/** What is wrong with the servers of a route as a whole. */
export function checkUpstreams(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = listPlacedLists(draft).flatMap(({ base, upstreams }): Conflict[] => {
    const twice = findDuplicates(upstreams.map(({ target }) => formatUpstream(target))).map(
      ({ value, index: at, first }): Conflict => ({
        path: toPath(base, at, tree),
        message: `\`${value}\` is named twice`,
        label: 'the same server again',
        fix: 'remove it; a larger share of the calls is a `weight`',
        other: { path: toPath(base, first, tree), label: 'first given here' },
      }),
    );
    const nameless = upstreams.flatMap(({ target, resolvesAll }, at): Conflict[] => {
      if (!resolvesAll || (target.kind === 'tcp' && isIP(target.host) === 0)) return [];
      const what = target.kind === 'unix' ? 'a socket' : 'an address';
      return [
        {
          path: [...toPath(base, at, tree), 'resolve'],
          message: `\`${formatUpstream(target)}\` has no name that could be resolved`,
          label: `the server is ${what}`,
          fix: 'remove `resolve`, or write the host name that has the addresses',
        },
      ];
    });
    const wrong = [...twice, ...nameless];
    if (upstreams.length === 0 || upstreams.some(({ weight }) => weight > 0)) return wrong;
    return [
      ...wrong,
      {
        path: base,
        message: 'no server of the route takes new sessions',
        label: 'each has the weight 0',
        fix: 'give one of them a weight above 0',
      },
    ];
  });
  return toConflictDiagnostics(conflicts, tree);
}

interface PlacedList {
  readonly route: number;
  readonly base: readonly PropertyKey[];
  readonly upstreams: readonly UpstreamServerConfig[];
}

function listPlacedLists({ routes = [] }: Draft): readonly PlacedList[] {
  return routes.flatMap((setting, route): readonly PlacedList[] => {
    if (setting === undefined) return [];
    const path = ['routes', route];
    return [
      { route, base: [...path, 'upstream'], upstreams: setting.upstreams },
      ...setting.split.map(({ upstreams }, at) => ({
        route,
        base: [...path, 'split', at, 'upstream'],
        upstreams,
      })),
    ];
  });
}

function toPath(base: readonly PropertyKey[], at: number, tree: SourceTree): readonly PropertyKey[] {
  return Array.isArray(tree.get(base)) ? [...base, at] : base;
}
