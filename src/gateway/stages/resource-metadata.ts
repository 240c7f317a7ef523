import type { Exchange } from '../exchange.ts';
import { openToPages, type Reply } from '../reply.ts';

const METHODS = 'GET, HEAD, OPTIONS';

/**
 * Answers what a protected resource says of itself (RFC 9728). Clients that run in pages read it with a field of MCP on the request,
 * so preflights are answered for every origin: nothing secret is in it, and it knows no cookies.
 */
export function resourceMetadataStage(exchange: Exchange): Reply | undefined {
  const { destination, request } = exchange;
  if (destination.kind !== 'resource-metadata') return undefined;
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return { kind: 'document', body: destination.document };
    case 'OPTIONS':
      return { kind: 'empty', status: 204, fields: [...openToPages, ...preflight] };
    default:
      return { kind: 'error', code: 'E_METHOD_REFUSED', fields: ['allow', METHODS] };
  }
}

const preflight: readonly string[] = [
  'access-control-allow-methods',
  METHODS,
  'access-control-allow-headers',
  'mcp-protocol-version',
  'access-control-max-age',
  '7200',
];
