import type { Config } from './config.ts';
import { mayHaveSeveralServers } from './split.ts';

/** Whether sessions get sealed ids, and processes that share them need the keys: they begin again, belong to callers, or live on one of several servers. */
export function sealsSessions({ sessions, routes }: Pick<Config, 'sessions' | 'routes'>): boolean {
  return (
    sessions.revival || routes.some((route) => route.auth.kind === 'required' || mayHaveSeveralServers(route))
  );
}
