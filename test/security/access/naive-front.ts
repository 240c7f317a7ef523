import { request as startRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createTestCertificate } from '../../support/certificates.ts';
import { protectedPath } from './access-case.ts';
import type { Front, Upstreams } from './put.ts';

/**
 * A reverse proxy as one writes it in an afternoon: access is decided on the raw path and the upstream by the
 * normalised one; nominated fields go last, after its own are set; claims pass; nobody looks at Host or Origin.
 */
export async function startNaiveFront(upstreams: Upstreams, key: string): Promise<Front & AsyncDisposable> {
  const { cert, key: privateKey } = await createTestCertificate();
  const server = createServer({ cert, key: privateKey }, (incoming, answer) => {
    const target = incoming.url ?? '/';
    const isAllowed = !target.startsWith(protectedPath) || incoming.headers.authorization === `Bearer ${key}`;
    if (!isAllowed) {
      answer.writeHead(401).end();
      return;
    }
    const path = normalize(target);
    const upstream = path.startsWith(protectedPath) ? upstreams.guarded : upstreams.open;
    const outgoing = startRequest(
      { host: '127.0.0.1', port: upstream.port, method: incoming.method, path, headers: toHeaders(incoming) },
      (received) => {
        answer.writeHead(received.statusCode ?? 502);
        received.pipe(answer);
      },
    );
    outgoing.on('error', () => answer.writeHead(502).end());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => void server.once('listening', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    port,
    ca: cert,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

function normalize(target: string): string {
  try {
    const plain = decodeURIComponent(target)
      .replaceAll('\\', '/')
      .replaceAll(/;[^/]*/g, '')
      .replaceAll(/\/+/g, '/');
    return encodeURI(new URL(plain, 'http://localhost').pathname);
  } catch {
    return '/';
  }
}

function toHeaders(incoming: IncomingMessage): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {
    ...incoming.headers,
    'x-forwarded-for': `${String(incoming.headers['x-forwarded-for'] ?? '')}, ${incoming.socket.remoteAddress}`,
    'x-forwarded-proto': 'https',
  };
  for (const name of (incoming.headers.connection ?? '').split(','))
    delete headers[name.trim().toLowerCase()];
  return headers;
}
