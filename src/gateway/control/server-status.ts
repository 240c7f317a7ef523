import type { Clock } from '../../lib/clock.ts';
import type { Route } from '../routes.ts';

/** One of the servers behind a route. */
export interface ServerStatus {
  /** Path of the route. */
  readonly route: string;
  /** `127.0.0.1:8000`, or the path of a socket. */
  readonly server: string;
  readonly weight: number;
  /** Requests and streams that it has. */
  readonly open: number;
  /** Requests that wait for one of its connections. */
  readonly waiting: number;
  /** Failures in a row. */
  readonly failures: number;
  /** ISO 8601; until when it gets no new work, or `null` where it does. */
  readonly ejectedUntil: string | null;
}

export function listServers(routes: readonly Route[], clock: Clock): readonly ServerStatus[] {
  const now = clock.monotonic();
  return routes.flatMap(({ path, servers }) =>
    servers.servers.map(({ name, weight, standing }) => {
      const { failures, ejectedUntil } = standing.outlier.state;
      return {
        route: path,
        server: name,
        weight,
        open: standing.work.open,
        waiting: standing.work.waiting,
        failures,
        ejectedUntil: ejectedUntil > now ? new Date(clock.now() + ejectedUntil - now).toISOString() : null,
      };
    }),
  );
}

/** The servers as several workers see them: what they have is added, and one that is ejected by any of them is told as such. */
export function mergeServers(all: readonly ServerStatus[]): readonly ServerStatus[] {
  const merged = new Map<string, ServerStatus>();
  for (const status of all) {
    const key = `${status.route} ${status.server}`;
    const known = merged.get(key);
    merged.set(
      key,
      known === undefined
        ? status
        : {
            ...known,
            open: known.open + status.open,
            waiting: known.waiting + status.waiting,
            failures: Math.max(known.failures, status.failures),
            ejectedUntil: latest(known.ejectedUntil, status.ejectedUntil),
          },
    );
  }
  return [...merged.values()];
}

function latest(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right;
  return left > right ? left : right;
}
