import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import type { RouteTable } from '../routes.ts';

/** Finds what the exact path stands for, at the host that is asked. Anything that is not configured is 404, closes, and is never forwarded. */
export function createRouteStage(table: RouteTable): (exchange: Exchange) => Reply | undefined {
  return function route(exchange) {
    const { request } = exchange;
    const found = table.find(request);
    exchange.destination =
      request.query === '' || request.method !== 'POST' ? found : table.toMessage(found, request.query);
    if (exchange.destination.kind !== 'unknown') return undefined;
    return { kind: 'error', code: 'E_ROUTE_UNKNOWN', close: true };
  };
}
