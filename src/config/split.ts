import type { RouteConfig, UpstreamTarget } from './config.ts';
import type { SplitConfig } from './split-config.ts';
import type { Era, SplitCondition } from './split-config.ts';

/** Whether an entry is about some messages and not about all of an era. */
export function isAboutMessages({ methods, tools, prompts, resources }: SplitCondition): boolean {
  return methods.length + tools.length + prompts.length + resources.length > 0;
}

const both: readonly Era[] = ['legacy', 'modern'];

/** The eras that an entry is about: what asks about messages holds for those alone that belong to no session. */
export function toSplitEras(when: SplitCondition): readonly Era[] {
  if (when.eras.length > 0) return when.eras;
  return isAboutMessages(when) ? ['modern'] : both;
}

/** Servers that get work together. */
export type ServerList = Pick<SplitConfig, 'upstreams'>;

type Servers = Pick<RouteConfig, 'upstreams' | 'split'>;

/** The lists of servers of a route: its own first. */
export function listServerLists({ upstreams, split }: Servers): readonly ServerList[] {
  return [{ upstreams }, ...split];
}

/** Every server of a route, each once for each list that it is in. */
export function listTargets(route: Servers): readonly UpstreamTarget[] {
  return listServerLists(route).flatMap(({ upstreams }) => upstreams.map(({ target }) => target));
}

/** Whether there are several servers, or may be at any moment: sessions have to be bound to theirs then, and one that fails has others. */
export function mayHaveSeveralServers(route: Servers): boolean {
  const all = listServerLists(route).flatMap(({ upstreams }) => upstreams);
  return all.length > 1 || all.some(({ resolvesAll }) => resolvesAll);
}
