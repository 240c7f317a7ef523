import { isIP } from 'node:net';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { findDuplicates, toConflictDiagnostics, type Conflict } from './conflict.ts';
import type { UpstreamTarget } from './config.ts';
import { formatUpstream } from './file-form.ts';
import type { Draft } from './sections.ts';
import type { SourceTree } from './source-tree.ts';

/** A server of a route, and where it is written. */
export interface PlacedUpstream {
  readonly route: number;
  readonly target: UpstreamTarget;
  readonly path: readonly PropertyKey[];
}

export function listUpstreams(draft: Draft, tree: SourceTree): PlacedUpstream[] {
  return (draft.routes ?? []).flatMap((route, index) =>
    (route?.upstreams ?? []).map(({ target }, at) => ({
      route: index,
      target,
      path: toPath(index, at, tree),
    })),
  );
}

/** What is wrong with the servers of a route as a whole. */
export function checkUpstreams(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = (draft.routes ?? []).flatMap((route, index): Conflict[] => {
    const upstreams = route?.upstreams ?? [];
    const twice = findDuplicates(upstreams.map(({ target }) => formatUpstream(target))).map(
      ({ value, index: at, first }): Conflict => ({
        path: toPath(index, at, tree),
        message: `\`${value}\` is named twice`,
        label: 'the same server again',
        fix: 'remove it; a larger share of the calls is a `weight`',
        other: { path: toPath(index, first, tree), label: 'first given here' },
      }),
    );
    const nameless = upstreams.flatMap(({ target, resolvesAll }, at): Conflict[] => {
      if (!resolvesAll || (target.kind === 'tcp' && isIP(target.host) === 0)) return [];
      const what = target.kind === 'unix' ? 'a socket' : 'an address';
      return [
        {
          path: [...toPath(index, at, tree), 'resolve'],
          message: `\`${formatUpstream(target)}\` has no name that could be resolved`,
          label: `the server is ${what}`,
          fix: 'remove `resolve`, or write the host name that has the addresses',
        },
      ];
    });
    const wrong = [...twice, ...nameless];
    if (upstreams.length === 0 || upstreams.some(({ weight }) => weight > 0)) return wrong;
    const path = ['routes', index, 'upstream'];
    return [
      ...wrong,
      {
        path,
        message: 'no server of the route takes new sessions',
        label: 'each has the weight 0',
        fix: 'give one of them a weight above 0',
      },
    ];
  });
  return toConflictDiagnostics(conflicts, tree);
}

function toPath(route: number, at: number, tree: SourceTree): readonly PropertyKey[] {
  const base = ['routes', route, 'upstream'];
  return Array.isArray(tree.get(base)) ? [...base, at] : base;
}
