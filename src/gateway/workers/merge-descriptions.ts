import { mergeServers } from '../control/server-status.ts';
import type { OpenWork } from '../control/status.ts';
import type { RunningDescription } from '../launch.ts';

/** What one worker says of itself. */
export interface DescribedWorker extends RunningDescription {
  readonly pid: number;
}

/** What several workers say of themselves, as if they were one; each stands in it by itself too. */
export function mergeDescriptions(found: readonly DescribedWorker[]): Omit<RunningDescription, 'state'> {
  const [first] = found;
  const sum = (read: (one: RunningDescription) => number): number =>
    found.reduce((total, one) => total + read(one), 0);
  return {
    urls: first?.urls ?? [],
    certificates: first?.certificates ?? [],
    connections: sum(({ connections }) => connections),
    upstreamConnections: sum(({ upstreamConnections }) => upstreamConnections),
    limits: found.find(({ limits }) => limits === 'alone')?.limits ?? first?.limits ?? 'own',
    sessions: {
      live: sum(({ sessions }) => sessions.live),
      revived: sum(({ sessions }) => sessions.revived),
      ended: sum(({ sessions }) => sessions.ended),
    },
    open: mergeOpenWork(found.flatMap(({ open }) => open)),
    servers: mergeServers(found.flatMap(({ servers }) => servers)),
    workers: found.map(({ pid, state, connections, open }) => ({
      pid,
      state,
      connections,
      open: open.reduce((total, { count }) => total + count, 0),
    })),
  };
}

function mergeOpenWork(all: readonly OpenWork[]): readonly OpenWork[] {
  const merged = new Map<string, OpenWork>();
  for (const work of all) {
    const key = `${work.route} ${work.what}`;
    const known = merged.get(key);
    merged.set(key, {
      ...work,
      count: work.count + (known?.count ?? 0),
      oldestSeconds: Math.max(work.oldestSeconds, known?.oldestSeconds ?? 0),
    });
  }
  return [...merged.values()].sort((left, right) => right.count - left.count);
}
