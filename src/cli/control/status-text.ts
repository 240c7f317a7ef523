import type { ServerStatus } from '../../gateway/control/server-status.ts';
import type { GatewayStatus } from '../../gateway/control/status.ts';
import { formatEnd } from '../certs/certificate-text.ts';
import { formatColumns } from '../columns.ts';

/** What a person wants to know of a running gateway. `now`: wall-clock milliseconds. */
export function toStatusText(status: GatewayStatus, now: number): string {
  const { version, pid, state, startedAt, config, urls, connections, upstreamConnections, sessions, open } =
    status;
  const lines = [
    `breakwater ${version}  ${state}, pid ${pid}, started ${formatAge(now - Date.parse(startedAt))} ago`,
    ...urls.map((url) => `URL          ${url}`),
    `Config       ${config ?? 'none; all is from the command line'}${describeReload(status, now)}`,
    ...status.certificates.map(
      ({ names, notAfter }) =>
        `Certificate  ${names.join(', ')} until ${formatEnd(Date.parse(notAfter), now)}`,
    ),
    ...describeLimits(status),
    `Connections  ${connections} of clients, ${upstreamConnections} to upstreams`,
    ...listNotable(status).map(
      (server) => `Server       ${server.route} at ${server.server}: ${describeServer(server, now)}`,
    ),
    `Sessions     ${sessions.live} live, ${sessions.revived} begun again, ${sessions.ended} ended for want of a client`,
    ...status.workers.map(
      (worker) =>
        `Worker       pid ${worker.pid}, ${worker.state}: ${worker.connections} connections, ${worker.open} calls and streams`,
    ),
  ];
  return `${lines.join('\n')}\n${open.length === 0 ? 'Open         nothing\n' : toOpenText(status)}`;
}

/** Servers that are not alone behind their route, and those that somebody waits for. */
function listNotable({ servers }: GatewayStatus): readonly ServerStatus[] {
  return servers.filter(
    ({ route, waiting, check }) =>
      waiting > 0 || check?.state === 'down' || servers.filter((other) => other.route === route).length > 1,
  );
}

function describeServer(server: ServerStatus, now: number): string {
  const { weight, open, waiting, ejectedUntil, check } = server;
  return [
    ...(check === null ? [] : [`${check.state} for ${formatAge(now - Date.parse(check.since))}`]),
    `${open} open`,
    ...(waiting === 0 ? [] : [`${waiting} waiting`]),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(ejectedUntil === null
      ? []
      : [`fails, and gets no new work for ${formatAge(Date.parse(ejectedUntil) - now)}`]),
    ...(check === null || check.reason === null ? [] : [`it ${check.reason}`]),
  ].join(', ');
}

/** Limits that count this gateway alone, as most do, are not worth a line. */
function describeLimits({ limits }: GatewayStatus): readonly string[] {
  switch (limits) {
    case 'own':
      return [];
    case 'shared':
      return ['Limits       shared with the other replicas'];
    case 'alone':
      return ['Limits       of this replica ALONE: Redis cannot be used'];
  }
}

/** What is open, a line a kind. */
export function toOpenText({ open }: Pick<GatewayStatus, 'open'>): string {
  return formatColumns(
    ['ROUTE', 'OPEN', 'COUNT', 'OLDEST', 'ENDS'],
    open.map(({ route, what, count, oldestSeconds, endless }) => [
      route,
      what === 'GET' ? 'stream of a session' : what,
      String(count),
      formatAge(oldestSeconds * 1000),
      endless ? 'with its client, or when the gateway drains' : 'with its answer',
    ]),
  );
}

function describeReload({ lastReload }: GatewayStatus, now: number): string {
  if (lastReload === null) return '';
  const age = `${formatAge(now - Date.parse(lastReload.at))} ago`;
  const [problem] = lastReload.problems;
  return problem === undefined ? `, reloaded ${age}` : `, not reloaded ${age}: ${problem}`;
}

/** The two largest units: `3 h 12 min`. */
function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
