import type { Exchange } from '../exchange.ts';

/**
 * Chooses the servers that a message is for, where a route has others for some. Messages to the endpoints of the deprecated transport
 * belong to the server that announced them. Which server of a session goes on with it is for the session to say, whatever is chosen here.
 */
export function splitStage(exchange: Exchange): undefined {
  const { destination, classification, envelope } = exchange;
  if (destination.kind !== 'mcp' || destination.transport !== 'streamable-http') return;
  if (classification === undefined) return;
  for (const { fits, destination: other } of destination.route.splits) {
    if (!fits(classification, envelope)) continue;
    exchange.destination = other;
    return;
  }
}
