import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createTestChain } from '../certificates.ts';
import { createAcmeStub, type AcmeStub } from './acme-stub.ts';
import type { AcmeStubOptions } from './settings.ts';

export interface AcmeStubServer extends AsyncDisposable {
  readonly stub: AcmeStub;
  /** PEM of the root that vouches for the HTTPS server; it has nothing to do with the roots of the certificates. */
  readonly serverRoot: string;
}

/** A stub behind HTTPS on a free port of 127.0.0.1. */
export async function startAcmeStubServer(options: Omit<AcmeStubOptions, 'origin'>): Promise<AcmeStubServer> {
  const { root, intermediate, leaf } = await createTestChain({ names: ['127.0.0.1', 'localhost'] });
  const server = createServer({ cert: `${leaf.cert}${intermediate.cert}`, key: leaf.key });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // `address()` is a string only for sockets on a path.
  const { port } = server.address() as AddressInfo;
  const origin = `https://127.0.0.1:${port}`;
  const stub = await createAcmeStub({ ...options, origin });
  server.on('request', (request, response) => {
    // The request itself has been read by then, and destroying it would leave the connection open.
    answer(stub, origin, { request, response }).catch(() => request.socket.destroy());
  });
  return {
    stub,
    serverRoot: root.cert,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Rejects where the connection is to break. */
async function answer(
  stub: AcmeStub,
  origin: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the client is gone')));
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = '', url = '' } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const body = Buffer.concat(chunks).toString('utf8');
  const reply = await stub.handle({ method, url: `${origin}${url}`, headers, body }, gone.signal);
  response.writeHead(reply.status, reply.headers);
  response.end(method === 'HEAD' ? undefined : reply.body);
}
