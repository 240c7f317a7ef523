import { toPrintable } from '../../lib/printable.ts';
import type { Exchange } from '../exchange.ts';
import { isLongLived } from '../last-words.ts';
import type { ServerStatus } from './server-status.ts';
import type { LimitReach } from '../limit-sharing.ts';
import type { SessionFigures } from '../sessions/session-keeper.ts';

/** What a running gateway says of itself. Read by `breakwater status --json`, so its names are a promise. */
export interface GatewayStatus {
  readonly version: string;
  readonly pid: number;
  readonly state: 'running' | 'draining';
  /** ISO 8601. */
  readonly startedAt: string;
  /** The configuration file, or `null` where there is none. */
  readonly config: string | null;
  readonly urls: readonly string[];
  readonly lastReload: LastReload | null;
  readonly certificates: readonly CertificateStatus[];
  readonly connections: number;
  readonly upstreamConnections: number;
  /** Whom `limits.rates` and `limits.concurrency` count. */
  readonly limits: LimitReach;
  readonly sessions: SessionFigures;
  /** Requests that are not answered yet and streams that are open, the largest group first. */
  readonly open: readonly OpenWork[];
  /** The MCP servers behind the routes, in the order of the configuration. */
  readonly servers: readonly ServerStatus[];
  /** Empty where one process does all. */
  readonly workers: readonly WorkerStatus[];
}

export interface WorkerStatus {
  readonly pid: number;
  readonly state: GatewayStatus['state'];
  readonly connections: number;
  /** Requests that are not answered yet and streams that are open. */
  readonly open: number;
}

export interface LastReload {
  /** ISO 8601. */
  readonly at: string;
  /** Why it was refused; empty when it was not. */
  readonly problems: readonly string[];
}

export interface CertificateStatus {
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notAfter: string;
}

/** Exchanges of one kind that are open. */
export interface OpenWork {
  /** Identity of the route, which is its path unless it has a host; of the authorization server, its own path. */
  readonly route: string;
  /** `GET` for the stream of a session, else the method and the tool: `tools/call echo`. */
  readonly what: string;
  /** Whether it has no end of its own, so that a drain has to end it. */
  readonly endless: boolean;
  readonly count: number;
  readonly oldestSeconds: number;
}

const LONGEST_NAME = 64;

/** Groups what is open by route and kind. `now`: milliseconds of the monotonic clock. */
export function summariseOpenWork(exchanges: Iterable<Exchange>, now: number): readonly OpenWork[] {
  const groups = new Map<string, OpenWork>();
  for (const exchange of exchanges) {
    const { destination, request, startedAt } = exchange;
    const route = destination.kind === 'mcp' ? destination.route.id : request.path;
    const what = describe(exchange);
    const key = `${route} ${what}`;
    const group = groups.get(key);
    const seconds = Math.floor((now - startedAt) / 1000);
    groups.set(key, {
      route,
      what,
      endless: isLongLived(exchange),
      count: (group?.count ?? 0) + 1,
      oldestSeconds: Math.max(group?.oldestSeconds ?? 0, seconds),
    });
  }
  return [...groups.values()].sort((left, right) => right.count - left.count);
}

/** Names come from clients: they may be long, or try to move a cursor. */
function describe({ envelope, request }: Exchange): string {
  if (envelope === undefined) return request.method;
  if (envelope.kind !== 'request' && envelope.kind !== 'notification') return envelope.kind;
  const { method, name } = envelope;
  const text = method === 'tools/call' && name !== undefined ? `${method} ${name}` : method;
  return toPrintable(text.slice(0, LONGEST_NAME));
}
