import type { Log } from '../observe/log.ts';
import type { Exchange } from './exchange.ts';

/**
 * Writes the one line a request gets. It names the method and the tool, never arguments, queries, tokens,
 * session ids or resource addresses, all of which can be secrets.
 */
export function recordAccess(log: Log, exchange: Exchange, now: number): void {
  const { request, outcome, envelope, destination, classification } = exchange;
  const called = envelope?.kind === 'request' || envelope?.kind === 'notification' ? envelope : undefined;
  const namesTool = called?.method === 'tools/call' || called?.method === 'prompts/get';
  log.info(
    {
      client: exchange.client.address,
      protocol: request.protocol,
      method: request.method,
      path: request.path,
      route: destination.kind === 'mcp' ? destination.route.path : undefined,
      status: outcome.status,
      upstream_status: outcome.upstreamStatus,
      duration_ms: Math.round(now - exchange.startedAt),
      bytes_in: request.body.length,
      bytes_out: outcome.bytes,
      stream: outcome.stream || undefined,
      revision: classification?.revision,
      rpc: called?.method,
      name: namesTool ? called.name : undefined,
      principal: exchange.principal,
      error: outcome.code,
    },
    'request',
  );
}
