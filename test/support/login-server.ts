import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createTestChain } from './certificates.ts';

export interface LoginServer {
  readonly url: URL;
  /** PEM of the authority that clients must trust. */
  readonly ca: string;
  /** Tokens given out. */
  readonly issued: number;
  stop(): Promise<void>;
}

interface Grant {
  readonly redirect: string;
  readonly challenge: string;
}

/**
 * An MCP server at `/mcp` that wants a login, with an authorization server beside it that lets in everyone who asks: RFC 9728,
 * RFC 8414, RFC 7591, and the code flow with PKCE S256. Calls with a token go on to a server on loopback.
 */
export async function startLoginServer(upstreamPort: number): Promise<LoginServer> {
  const { root, intermediate, leaf } = await createTestChain();
  const codes = new Map<string, Grant>();
  const tokens = new Set<string>();
  const server = createServer({ cert: leaf.cert + intermediate.cert, key: leaf.key });
  server.on(
    'request',
    (request: IncomingMessage, response: ServerResponse) => void answer(request, response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    switch (pathname) {
      case '/mcp':
        return pass(request, response);
      case '/.well-known/oauth-protected-resource/mcp':
        return send(200, { resource: `${origin}/mcp`, authorization_servers: [origin] });
      case '/.well-known/oauth-authorization-server':
        return send(200, {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          token_endpoint_auth_methods_supported: ['none'],
          authorization_response_iss_parameter_supported: true,
        });
      case '/register':
        return send(201, { ...JSON.parse(await text(request)), client_id: randomUUID() });
      case '/authorize': {
        const redirect = new URL(searchParams.get('redirect_uri') ?? '');
        const code = randomUUID();
        codes.set(code, { redirect: redirect.href, challenge: searchParams.get('code_challenge') ?? '' });
        redirect.search = new URLSearchParams({
          code,
          state: searchParams.get('state') ?? '',
          iss: origin,
        }).toString();
        response.writeHead(302, { location: redirect.href }).end();
        return;
      }
      case '/token': {
        const form = new URLSearchParams(await text(request));
        const grant = codes.get(form.get('code') ?? '');
        codes.delete(form.get('code') ?? '');
        const proof = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (grant?.challenge !== proof || grant.redirect !== form.get('redirect_uri')) {
          return send(400, { error: 'invalid_grant' });
        }
        const token = randomUUID();
        tokens.add(token);
        return send(200, { access_token: token, token_type: 'Bearer', expires_in: 600 });
      }
      default:
        return send(404, {});
    }
  }

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !tokens.has(token)) {
      const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
      response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` }).end();
      return;
    }
    const { method, headers, url } = request;
    const host = `127.0.0.1:${upstreamPort}`;
    const onward = forward({
      port: upstreamPort,
      host: '127.0.0.1',
      method,
      path: url,
      headers: { ...headers, host },
    });
    onward.on('response', (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }

  return {
    url: new URL('/mcp', origin),
    ca: root.cert,
    get issued() {
      return tokens.size;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
