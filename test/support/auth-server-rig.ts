import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthorizationServer,
  type AuthorizationServer,
} from '../../src/auth/server/authorization-server.ts';
import type {
  AuthorizationServerOptions,
  ServerConfig,
  ServerEvent,
} from '../../src/auth/server/server-options.ts';
import type { ClientMetadata } from '../../src/auth/client-metadata/client-metadata.ts';
import { fail, ok } from '../../src/lib/result.ts';
import { createMemoryStore } from '../../src/state/store/memory-store.ts';
import type { Store } from '../../src/state/store/store.ts';
import { AuthBrowser, askServer, type Answer, type Ask } from './auth-browser.ts';
import { ManualClock } from './manual-clock.ts';

export const issuer: string = 'https://mcp.example.com';
export const resource: string = `${issuer}/mcp`;
export const documentClient = 'https://app.example.com/client.json';
export const loopbackClient = 'https://desk.example.com/client.json';
export const webRedirect = 'https://app.example.com/callback';
export const loopbackRedirect = 'http://127.0.0.1:4711/callback';

const documents: Readonly<Record<string, ClientMetadata>> = {
  [documentClient]: {
    clientId: documentClient,
    clientName: 'Example App',
    redirectUris: [webRedirect, 'https://app.example.com/other'],
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: undefined,
    authentication: { kind: 'none' },
  },
  [loopbackClient]: {
    clientId: loopbackClient,
    clientName: 'Example Desk',
    redirectUris: [
      'http://127.0.0.1/callback',
      'http://localhost/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: undefined,
    authentication: { kind: 'none' },
  },
};

export interface AuthRig {
  readonly server: AuthorizationServer;
  readonly socketPath: string;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly events: readonly ServerEvent[];
  readonly codes: readonly string[];
  readonly revoked: readonly string[];
  ask(ask: Ask): Promise<Answer>;
  browser(): AuthBrowser;
  close(): Promise<void>;
}

/** Runs an authorization server on its socket, with one account: alice, whose password is "correct horse". */
export async function startAuthRig(
  changes: Partial<Omit<AuthorizationServerOptions, 'config' | 'clock'>> & {
    readonly clock?: ManualClock;
    readonly config?: Partial<ServerConfig>;
  } = {},
): Promise<AuthRig> {
  const stateDir = await mkdtemp(join(tmpdir(), 'auth-rig-'));
  const clock = changes.clock ?? new ManualClock(Date.now());
  const events: ServerEvent[] = [];
  const codes: string[] = [];
  const revoked: string[] = [];
  const store = changes.store ?? createMemoryStore({ clock });
  const { config, ...others } = changes;
  const server = await createAuthorizationServer({
    issuer,
    resources: [{ url: resource, name: 'the example tools', scopes: ['tools:read', 'tools:call'] }],
    store,
    clock,
    stateDir,
    accounts: {
      verify: async ({ name, password }) =>
        name === 'alice' && password === 'correct horse' ? { kind: 'ok', name } : { kind: 'wrong' },
      has: async (name) => name === 'alice',
    },
    loadClientMetadata: async (id) => {
      const document = documents[id];
      return document === undefined ? fail({ reason: 'host' }) : ok(document);
    },
    fetchJson: async () => fail({ kind: 'unresolved' }),
    fetch: async () => Promise.reject(new Error('no network in this test')),
    onOwnerCode: (code) => codes.push(code),
    onGrantRevoked: (grantId) => revoked.push(grantId),
    onEvent: (event) => events.push(event),
    ...others,
    config: {
      login: [{ kind: 'accounts' }],
      registration: true,
      redirects: [],
      metadataHosts: [],
      accessTokenLifetime: 600_000,
      refreshTokenLifetime: 30 * 86_400_000,
      ...config,
    },
  });
  const { socketPath } = await server.listen();
  return {
    server,
    socketPath,
    store,
    clock,
    events,
    codes,
    revoked,
    ask: (ask) => askServer(socketPath, ask),
    browser: () => new AuthBrowser(socketPath, issuer),
    async close() {
      await server.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

export function createPkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The address of an authorization request; `undefined` takes a parameter out, and a list repeats it. */
export function authorizePath(
  pkce: Pkce,
  changes: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): string {
  const parameters: Record<string, string | readonly string[] | undefined> = {
    client_id: documentClient,
    redirect_uri: webRedirect,
    response_type: 'code',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    resource,
    scope: 'tools:read',
    state: 'state-of-the-client',
    ...changes,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const entry of value === undefined ? [] : [value].flat()) query.append(name, entry);
  }
  return `/oauth/authorize?${query.toString()}`;
}

/** Logs alice in and allows the client, where it asks; resolves to where the browser is sent. */
export async function logInAndAllow(browser: AuthBrowser, path: string): Promise<URL> {
  const login = await browser.visit({ path });
  const consent = await browser.submit(login, '/password', { name: 'alice', password: 'correct horse' });
  const location = consent.location ?? (await browser.submit(consent, '/consent')).location;
  if (location === undefined) throw new Error('the flow did not end');
  return location;
}

/** Redeems a code. */
export async function redeem(
  rig: AuthRig,
  options: {
    readonly code: string;
    readonly pkce: Pkce;
    readonly changes?: Readonly<Record<string, string | undefined>>;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Answer> {
  const parameters: Record<string, string | undefined> = {
    grant_type: 'authorization_code',
    code: options.code,
    client_id: documentClient,
    redirect_uri: webRedirect,
    code_verifier: options.pkce.verifier,
    resource,
    ...options.changes,
  };
  const form = Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return rig.ask({
    path: '/oauth/token',
    form,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
}

export async function refresh(
  rig: AuthRig,
  token: string,
  clientId: string = documentClient,
): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token: token, client_id: clientId };
  return rig.ask({ path: '/oauth/token', form });
}

/** From nothing to tokens, by the metadata document of a client on the web. */
export async function obtainTokens(
  rig: AuthRig,
): Promise<{ readonly access: string; readonly refresh: string }> {
  const pkce = createPkce();
  const location = await logInAndAllow(rig.browser(), authorizePath(pkce));
  const { json } = await redeem(rig, { code: location.searchParams.get('code') ?? '', pkce });
  return { access: String(json['access_token']), refresh: String(json['refresh_token']) };
}
