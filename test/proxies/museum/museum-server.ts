import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { policyOf } from '../../../src/tls/handshake/policy.ts';
import type { TestCertificate } from '../../support/certificates.ts';
import { buildServerMetadata } from '../../support/server-metadata.ts';
import type { ServerExhibit } from './server-exhibits.ts';

export const userToken = 'of-the-user';

export interface MuseumServer extends AsyncDisposable {
  readonly url: string;
}

/** A small server of 2025-11-25 with sessions and a login, and with what the exhibit changes about it. */
export async function startMuseumServer(
  { cert, key }: TestCertificate,
  exhibit: Partial<ServerExhibit> = {},
): Promise<MuseumServer> {
  const sessions = new Set<string>();
  const server = createServer(
    { cert, key, ALPNProtocols: ['http/1.1'], ...policyOf('intermediate') },
    (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts).toString();
        for (const [name, value] of Object.entries({
          'Strict-Transport-Security': 'max-age=63072000',
          ...exhibit.fields,
        })) {
          response.setHeader(name, value);
        }
        if (exhibit.answer?.(request, response, body) !== true) answer(request, response, body);
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const [path = ''] = request.url?.split('?') ?? [];
    const json = (status: number, value?: object, fields: Record<string, string> = {}): void => {
      response.writeHead(status, {
        'Content-Type': 'application/json',
        'Access-Control-Allow-Origin': '*',
        ...fields,
      });
      response.end(value === undefined ? undefined : JSON.stringify(value));
    };
    if (path.startsWith('/.well-known/oauth-protected-resource')) {
      if (exhibit.resource === false) return json(404);
      return json(200, {
        resource: `${origin}/mcp`,
        authorization_servers: [origin],
        bearer_methods_supported: ['header'],
        ...exhibit.resource,
      });
    }
    if (path === '/.well-known/oauth-authorization-server') {
      if (exhibit.server === false) return json(404);
      return json(200, { ...buildServerMetadata(origin), ...exhibit.server });
    }
    if (path === '/keys') return json(200, { keys: [] });
    if (path === '/authorize') return json(400, { error: 'invalid_client' });
    if (path === '/token') return json(400, { error: 'invalid_grant' });
    if (path !== '/mcp' && path !== '/mcp/') return json(404, { error: 'nothing here' });
    return answerEndpoint(request, response, body);
  }

  function answerEndpoint(request: IncomingMessage, response: ServerResponse, body: string): void {
    const send = (status: number, value?: object, fields: Record<string, string> = {}): void => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...fields });
      response.end(value === undefined ? undefined : JSON.stringify(value));
    };
    const refuse = (status: number, code: number, message: string): void =>
      send(status, { jsonrpc: '2.0', id: null, error: { code, message } });
    const { headers, method } = request;
    const host = new URL(origin).host;
    if (headers.host !== host) return refuse(421, -32_600, 'another host');
    if (headers.origin !== undefined && headers.origin !== origin)
      return refuse(403, -32_600, 'another origin');
    if (method === 'OPTIONS') return send(204);
    if (headers.authorization !== `Bearer ${userToken}`) {
      const right = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      const challenge = exhibit.challenge?.replace('ORIGIN', origin) ?? right;
      return send(
        401,
        { jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'who are you' } },
        challenge === '' ? {} : { 'WWW-Authenticate': challenge },
      );
    }
    const session = headers['mcp-session-id'];
    const known = typeof session === 'string' && sessions.has(session);
    if (method === 'DELETE') {
      if (!known) return refuse(404, -32_600, 'session not found');
      sessions.delete(session);
      return send(204);
    }
    if (method !== 'POST') return send(405, undefined, { Allow: 'POST, DELETE' });
    if (headers['content-type'] !== 'application/json') return refuse(415, -32_600, 'not JSON');
    let message: { id?: number; method?: string; params?: object };
    try {
      message = JSON.parse(body) as typeof message;
    } catch {
      return refuse(400, -32_700, 'parse error');
    }
    if (message.method === 'initialize') {
      const id = crypto.randomUUID();
      sessions.add(id);
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'exhibit', version: '1' },
      };
      return send(200, { jsonrpc: '2.0', id: message.id, result }, { 'Mcp-Session-Id': id });
    }
    if (session === undefined) return refuse(400, -32_600, 'missing session');
    if (!known) return refuse(404, -32_600, 'session not found');
    if (headers['mcp-protocol-version'] !== '2025-11-25') return refuse(400, -32_600, 'unknown version');
    if (message.id === undefined) return send(202);
    if (message.method === 'tools/list')
      return send(200, { jsonrpc: '2.0', id: message.id, result: { tools: [] } });
    return send(200, {
      jsonrpc: '2.0',
      id: message.id,
      error: { code: -32_601, message: 'method not found' },
    });
  }

  return {
    url: `${origin}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
