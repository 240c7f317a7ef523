import { request, type HttpAnswer } from './http-request.ts';
import { callFields } from './call.ts';
import type { Endpoint } from './endpoint.ts';

const version = '2025-06-18';

/** Opens a session at a proxy that speaks MCP itself; its id goes with every call. */
export async function initialize(endpoint: Endpoint): Promise<string> {
  const answer = await send(endpoint, {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    },
  });
  const session = answer.fields['mcp-session-id'];
  if (answer.status !== 200 || typeof session !== 'string')
    throw new Error(`no session: ${answer.status} ${answer.body.slice(0, 200)}`);
  await send(endpoint, { jsonrpc: '2.0', method: 'notifications/initialized' }, session);
  return session;
}

function send(endpoint: Endpoint, message: unknown, session?: string): Promise<HttpAnswer> {
  const { 'mcp-session-id': _, ...fields } = { ...callFields, ...endpoint.fields };
  return request(endpoint, {
    method: 'POST',
    fields: { ...fields, ...(session === undefined ? {} : { 'mcp-session-id': session }) },
    body: JSON.stringify(message),
  });
}
