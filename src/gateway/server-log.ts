import type { Log } from '../observe/log.ts';
import type { ServerHealth } from '../upstream/health/health-checker.ts';

/** One line for each change of a server, by its checks. */
export function logHealth(log: Log, server: string, health: ServerHealth): void {
  switch (health.kind) {
    case 'up':
      log.info({ server }, 'an MCP server passes its checks again and gets new work');
      return;
    case 'down':
      log.warn(
        { server, reason: health.reason },
        `the MCP server ${server} fails its checks: it ${health.reason}; it gets no new work while there are others`,
      );
  }
}

/** One line when a name stops to resolve, and one when it does again. */
export function logName(log: Log, host: string, reason: string | undefined): void {
  if (reason === undefined) log.info({ host }, 'the name of MCP servers is resolved again');
  else
    log.warn(
      { host, reason },
      `the name ${host} of MCP servers ${reason}; the addresses known last go on serving`,
    );
}
