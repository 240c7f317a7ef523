import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

export interface KeyServer extends AsyncDisposable {
  readonly issuer: string;
}

/** Publishes the keys of an issuer on loopback. */
export async function startKeyServer(keys: readonly JWK[]): Promise<KeyServer> {
  const server = createServer((request, answer) => {
    const document = request.url === '/keys' ? { keys } : { issuer, jwks_uri: `${issuer}/keys` };
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const issuer = `http://127.0.0.1:${port}`;
  return {
    issuer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
