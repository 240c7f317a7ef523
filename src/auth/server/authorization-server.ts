import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { Provider, type Client, type ProviderContext } from 'oidc-provider';
import { toErrorMessage } from '../../lib/error-message.ts';
import { findRegisteredRedirect } from '../client-metadata/redirects.ts';
import { createClientFinder } from './clients.ts';
import { createConsentStep } from './consent-step.ts';
import { createConsents } from './consents.ts';
import { createFormTokens } from './form-tokens.ts';
import { createFrontDoor } from './front-door.ts';
import { createInteractionPages } from './interaction-pages.ts';
import { createLoginFlows } from './login-flow.ts';
import { createLoginSteps } from './login-steps.ts';
import { createOwnerCodes } from './owner-codes.ts';
import { createPeople } from './people.ts';
import { buildProviderConfiguration } from './provider-configuration.ts';
import { renderProviderError } from './provider-error.ts';
import { createRefreshRotation } from './refresh-rotation.ts';
import { createClientRegistration } from './registration.ts';
import { loadOrCreateServerKeys, loadOrCreateSharedKeys, toPublicKeys } from './server-keys.ts';
import { buildServerMetadata, serverPaths, type ServerMetadata } from './server-metadata.ts';
import type { AuthorizationServerOptions } from './server-options.ts';
import { createSignOut } from './sign-out.ts';
import { createStoreAdapter } from './store-adapter.ts';
import { createUpstreamFlow } from './upstream-flow.ts';

/** The built-in authorization server, for whoever has no identity provider. */
export interface AuthorizationServer {
  /** Listens on a socket that only this user can reach; the gateway relays the paths below to it. */
  listen(): Promise<{ readonly socketPath: string }>;
  /** Exact paths, and prefixes that end with a slash. */
  readonly paths: readonly string[];
  /** For checking tokens without a request. */
  jwks(): { readonly keys: readonly JWK[] };
  readonly metadata: ServerMetadata;
  /** False once the grant that a token names in its `grant` claim was revoked or has ended, also before a restart. */
  hasGrant(grantId: string): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

const DAY = 86_400_000;

/** Builds the server. Rejects with a GatewayError when its keys cannot be read or written. */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const { issuer, resources, config, store, clock, onEvent } = options;
  const { redirects } = config;
  const { texts, stateDir } = options;
  const keys = await (texts === undefined ? loadOrCreateServerKeys(stateDir) : loadOrCreateSharedKeys(texts));
  const { host } = new URL(issuer);
  const lifetime = config.refreshTokenLifetime + DAY;
  const common = { store, clock, lifetime };
  const kinds = new Set(config.login.map(({ kind }) => kind));
  const accounts = kinds.has('accounts') ? options.accounts : undefined;
  const people = createPeople({ ...common, logins: config.login, accounts });
  const consents = createConsents(common);
  const rotation = createRefreshRotation({ store, clock });
  const findClient = createClientFinder(options);
  const registration = createClientRegistration({
    store,
    clock,
    redirects,
    usedClientLifetime: lifetime,
    onEvent,
  });

  const provider = new Provider(
    issuer,
    buildProviderConfiguration({
      resources,
      config,
      keys,
      people,
      consents,
      rotation,
      fetchJson: options.fetchJson,
      adapter: (model) => createStoreAdapter(model, { store, clock, rotation, findClient }),
      renderError: (context, out) => renderProviderError(context, out, host),
    }),
  );
  provider.proxy = true;
  provider.silent = true;
  provider.Client.prototype.redirectUriAllowed = function isRegistered(this: Client, uri: string) {
    const question = { requested: uri, registered: this.redirectUris, allowed: redirects };
    return findRegisteredRedirect(question) !== undefined;
  };
  provider.use(async (context, next) => {
    allowQueryResponsesOnly(context);
    try {
      await next();
    } finally {
      await rotation.finish(context);
    }
  });
  observe(provider, options, (clientId) => registration.keep(clientId));

  const tokens = createFormTokens(keys.cookie);
  const flows = createLoginFlows({ provider, tokens, host, clock, redirects });
  const redirectUri = issuer + serverPaths.callback;
  const upstream = createUpstreamFlow({
    logins: config.login,
    redirectUri,
    store,
    clock,
    fetch: options.fetch,
    onEvent,
  });
  const owner = kinds.has('owner')
    ? createOwnerCodes({ store, clock, show: options.onOwnerCode })
    : undefined;
  const steps = createLoginSteps({ flows, host, accounts, owner, upstream, people, onEvent });
  const consent = createConsentStep({ provider, flows, consents, people, resources, host, onEvent });
  const metadata = buildServerMetadata({ issuer, resources, registration: config.registration });
  const jwks = toPublicKeys(keys);
  const handle = createFrontDoor({
    issuer,
    metadata,
    jwks,
    registration: config.registration ? registration : undefined,
    pages: createInteractionPages({ provider, flows, steps, consent, upstream, host, onEvent }),
    signOut: createSignOut({ provider, tokens, host }),
    provider: provider.callback(),
    onError: (error) => onEvent({ kind: 'error', text: toErrorMessage(error) }),
  });
  const server = createServer({ maxHeaderSize: 32 * 1024 }, handle);
  const place = createSocketPlace();
  return {
    paths: [serverPaths.metadata, serverPaths.openidMetadata, serverPaths.prefix],
    metadata,
    jwks: () => jwks,
    hasGrant: async (grantId) => (await store.get('Grant', grantId)) !== undefined,
    async listen() {
      const socketPath = await place.open();
      await listenOn(server, socketPath);
      return { socketPath };
    },
    async close() {
      if (server.listening) {
        const { promise, resolve } = Promise.withResolvers<undefined>();
        server.close(() => resolve(undefined));
        server.closeAllConnections();
        await promise;
      }
      await place.close();
    },
  };
}

/** Codes are returned in the query alone: other modes need scripts on pages, or put the code where more can see it. */
function allowQueryResponsesOnly(context: ProviderContext): void {
  const mode = context.query['response_mode'];
  if (context.path !== serverPaths.authorize || mode === undefined || mode === 'query') return;
  // A name that the provider does not know makes it answer `unsupported_response_mode`.
  context.query = { ...context.query, response_mode: 'other' };
}

function observe(
  provider: Provider,
  options: AuthorizationServerOptions,
  keepClient: (clientId: string) => Promise<void>,
): void {
  const { onEvent, onGrantRevoked } = options;
  provider.on('server_error', (_context, error) => {
    onEvent({ kind: 'error', text: toErrorMessage(error) });
  });
  provider.on('grant.revoked', (context, grantId) => {
    const isReuse = (context as ProviderContext).oidc.route === 'token';
    onEvent({ kind: isReuse ? 'reuse-detected' : 'grant-revoked', text: String(grantId) });
    onGrantRevoked(String(grantId));
  });
  provider.on('grant.success', (context) => {
    const { client } = (context as ProviderContext).oidc;
    if (client === undefined) return;
    onEvent({ kind: 'token-issued', text: client.clientId });
    keepClient(client.clientId).catch((error: unknown) => {
      onEvent({ kind: 'error', text: toErrorMessage(error) });
    });
  });
}

/** A directory that only this user may enter, or a pipe with a name that nobody guesses. */
function createSocketPlace(): { open(): Promise<string>; close(): Promise<void> } {
  let directory: string | undefined;
  return {
    async open() {
      if (process.platform === 'win32') return `\\\\.\\pipe\\breakwater-${randomBytes(16).toString('hex')}`;
      directory = await mkdtemp(join(tmpdir(), 'breakwater-'));
      return join(directory, 'auth.sock');
    },
    async close() {
      if (directory !== undefined) await rm(directory, { force: true, recursive: true });
      directory = undefined;
    },
  };
}

async function listenOn(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  // It is this process's own, also where workers share their other sockets.
  server.listen({ path, exclusive: true }, () => resolve(undefined));
  await promise;
  server.removeListener('error', reject);
}
