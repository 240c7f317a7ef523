import { once } from 'node:events';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';
import { createTestChain } from './certificates.ts';

/** An identity provider of somebody else, with login pages of its own that let in whoever gives a name. */
export interface StrangerProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** PEM of the authority that the gateway must trust. */
  readonly ca: string;
  stop(): Promise<void>;
}

export async function startStrangerProvider(options: {
  readonly port: number;
  /** Where the gateway wants its users back. */
  readonly redirectUri: string;
}): Promise<StrangerProvider> {
  const { port, redirectUri } = options;
  const { root, intermediate, leaf } = await createTestChain();
  const issuer = `https://localhost:${port}`;
  const clientId = 'the-gateway';
  const clientSecret = 'secret-of-the-gateway-at-the-stranger';
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
    }),
  });
  const handle = provider.callback();
  const server = createServer(
    { cert: leaf.cert + intermediate.cert, key: leaf.key },
    (request, response) => void handle(request, response),
  );
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    clientId,
    clientSecret,
    ca: root.cert,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
