import {
  LAST_EVENT_ID_HEADER,
  METHOD_HEADER,
  NAME_HEADER,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
} from './headers.ts';

/** What an MCP endpoint answers (MCP 2025-11-25 Transports), and preflights (Fetch standard). */
export const endpointMethods = ['GET', 'POST', 'DELETE', 'OPTIONS'] as const;

/** What pages may read of an answer (Fetch standard, CORS protocol). */
export const exposedHeaders = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After';

/** Request headers that MCP clients in a browser send (Streamable HTTP of all revisions), besides the Mcp-Param family; in lower case. */
export const browserHeaders: readonly string[] = [
  'accept',
  'authorization',
  'content-type',
  LAST_EVENT_ID_HEADER,
  METHOD_HEADER,
  NAME_HEADER,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
  'x-api-key',
];

/** Seconds for which a browser may keep the answer to a preflight; Chromium keeps none for longer. */
export const preflightSeconds = 7200;
