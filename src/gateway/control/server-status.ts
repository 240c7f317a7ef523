import type { Clock } from '../../lib/clock.ts';
import type { ServerHealth } from '../../upstream/health/health-checker.ts';
import type { Route, RouteSplit } from '../routes.ts';

/** One of the servers behind a route. */
export interface ServerStatus {
  /** Identity of the route. */
  readonly route: string;
  /** `127.0.0.1:8000`, or the path of a socket. */
  readonly server: string;
  /** The largest that it has in any list of the route. */
  readonly weight: number;
  /** Requests and streams that it has. */
  readonly open: number;
  /** Requests that wait for one of its connections. */
  readonly waiting: number;
  /** Failures in a row. */
  readonly failures: number;
  /** ISO 8601; until when it gets no new work, or `null` where it does. */
  readonly ejectedUntil: string | null;
  /** What active checks say; `null` where nobody checks. */
  readonly check: CheckStatus | null;
}

export interface CheckStatus {
  readonly state: 'up' | 'down';
  /** ISO 8601. */
  readonly since: string;
  /** Goes on after the name of the server, such as `refuses connections`; `null` while it is up. */
  readonly reason: string | null;
}

export function listServers(routes: readonly Route[], clock: Clock): readonly ServerStatus[] {
  const now = clock.monotonic();
  return routes.flatMap(({ id, servers, splits }) =>
    servers.servers.map(({ key, name, weight, standing, health }) => {
      const { failures, ejectedUntil } = standing.outlier.state;
      return {
        route: id,
        server: name,
        weight: Math.max(weight, ...splits.map((split) => weightIn(split, key))),
        open: standing.work.open,
        waiting: standing.work.waiting,
        failures,
        ejectedUntil: ejectedUntil > now ? new Date(clock.now() + ejectedUntil - now).toISOString() : null,
        check: health === undefined ? null : toCheckStatus(health.health),
      };
    }),
  );
}

function weightIn({ destination }: RouteSplit, key: string): number {
  return destination.route.servers.find(key)?.weight ?? 0;
}

/** The servers as several workers see them: what they have is added, and one that is ejected by any of them, or found down, is told as such. */
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
            check: status.check?.state === 'down' ? status.check : known.check,
          },
    );
  }
  return [...merged.values()];
}

function toCheckStatus(health: ServerHealth): CheckStatus {
  const since = new Date(health.since).toISOString();
  return { state: health.kind, since, reason: health.kind === 'down' ? health.reason : null };
}

function latest(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right;
  return left > right ? left : right;
}
