import { Agent as PlainAgent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';

/** A connection that is left open for the next question. */
export interface Connection {
  readonly agent: PlainAgent | SecureAgent;
  close(): void;
}

export function createConnection(secure: boolean): Connection {
  const options = { keepAlive: true, maxSockets: 1, maxCachedSessions: 0 };
  const agent = secure ? new SecureAgent(options) : new PlainAgent(options);
  return { agent, close: () => agent.destroy() };
}
