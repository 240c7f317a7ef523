import { lookup, Resolver } from 'node:dns/promises';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuthorizationServerConfig, RouteConfig } from '../../../src/config/config.ts';
import { openAccess, type Access } from '../../../src/gateway/access/open-access.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { buildTestConfig } from '../../support/gateway.ts';
import { buildTwoCallers } from '../../support/two-callers.ts';
import { oneServer } from '../../support/routes.ts';
import { startTokenIssuer } from '../../support/token-issuer.ts';
import { until } from '../../support/until.ts';

const verifiers = vi.hoisted(() => ({ opened: 0 }));
// The store tells of changes a moment later, which would hide what was there when the keys were loaded: here it tells nothing.
vi.mock(import('../../../src/auth/keys/stored-keys.ts'), async (importOriginal) => {
  const { createStoredKeyVerifier } = await importOriginal();
  return {
    createStoredKeyVerifier(store, options) {
      verifiers.opened += 1;
      return createStoredKeyVerifier({ ...store, watch: () => () => undefined }, options);
    },
  };
});
beforeEach(() => {
  verifiers.opened = 0;
});

interface Opened extends AsyncDisposable {
  readonly access: Access;
  /** Names of what lies in the state directory. */
  files(): Promise<readonly string[]>;
}

async function open(
  route: Partial<RouteConfig>,
  { wantsKey = false, revival = true }: { readonly wantsKey?: boolean; readonly revival?: boolean } = {},
): Promise<Opened> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-access-'));
  const config = buildTestConfig(
    stateDir,
    [
      {
        host: undefined,
        path: '/mcp',
        ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 9, path: '/mcp' }),
        auth: { kind: 'none' },
        rules: undefined,
        credentials: { kind: 'none' },
        ...route,
      },
    ],
    {
      publicUrl: 'https://mcp.example.com',
      sessions: { revival, idleTimeout: 1000, live: 10, noted: 100 },
    },
  );
  const access = await openAccess(config, {
    clock: systemClock,
    wantsKey,
    onOwnerCode: () => undefined,
    onLogin: () => undefined,
    redis: undefined,
    onProblem(error) {
      throw error;
    },
    onWarning: ({ message }) => {
      throw new Error(message);
    },
  });
  return {
    access,
    files: () => readdir(stateDir),
    async [Symbol.asyncDispose]() {
      await access.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

const storedKeys: RouteConfig['auth'] = {
  kind: 'required',
  keys: { listed: [], stored: true },
  certificates: undefined,
  oauth: undefined,
};

const loginServer: AuthorizationServerConfig = {
  login: [{ kind: 'accounts' }],
  registration: false,
  redirects: [],
  metadataHosts: [],
  accessTokenLifetime: 300_000,
  refreshTokenLifetime: 86_400_000,
};

const ownServer: RouteConfig['auth'] = {
  kind: 'required',
  keys: undefined,
  certificates: undefined,
  oauth: {
    issuers: [],
    server: loginServer,
    audiences: [],
    scopes: [],
    requiredScopes: [],
    clockSkew: 0,
  },
};

describe('what is opened for a configuration', () => {
  it('is nothing where everyone may come in and sessions are left alone', async () => {
    await using opened = await open({}, { revival: false });
    expect(opened.access).toMatchObject({ seal: undefined, jwks: undefined, loginSocket: undefined });
    expect(await opened.files()).toEqual([]);
  });

  it('is what seals sessions where they may have to begin again', async () => {
    await using opened = await open({});
    expect(opened.access.seal).toBeDefined();
    expect(opened.access.sessionStore).toBeUndefined();
    expect(await opened.files()).toEqual(['sessions']);
  });

  it('is no store where all keys are listed, and no signing key', async () => {
    await using opened = await open({ auth: buildTwoCallers().auth });
    expect(opened.access.seal).toBeDefined();
    expect(opened.access.jwks).toBeUndefined();
    expect(await opened.files()).toEqual(['sessions']);
  });

  it('has a seal where an open route has several servers: it names the one that has a session', async () => {
    const target = { kind: 'tcp', secure: false, host: '127.0.0.1', path: '/mcp' } as const;
    await using opened = await open({
      upstreams: [
        { target: { ...target, port: 8 }, weight: 1, resolvesAll: false },
        { target: { ...target, port: 9 }, weight: 0, resolvesAll: false },
      ],
    });
    expect(opened.access.seal).toBeDefined();
    expect(await opened.files()).toEqual(['sessions']);
  });

  it('has signing keys where an upstream is shown tokens', async () => {
    await using opened = await open({
      credentials: { kind: 'jwt', audience: undefined, lifetime: 60_000 },
    });
    expect(opened.access.jwks?.()).toMatchObject({ keys: [{ kty: 'EC', use: 'sig' }] });
  });

  it('takes the first key from the moment that it is shown', async () => {
    await using opened = await open({ auth: storedKeys }, { wantsKey: true });
    const { createdKey = '', routes } = opened.access;
    const keys = routes.get('/mcp')?.check?.keys;
    expect(keys?.verify(createdKey)).toMatchObject({ id: 'key:default' });
    expect(keys?.verify(`${createdKey}x`)).toBeUndefined();
    expect(verifiers.opened).toBe(1);
  });

  it('is a store and no stored keys where the authorization server alone needs it', async () => {
    await using opened = await open({ auth: ownServer });
    expect(opened.access.loginSocket).toBeDefined();
    expect(verifiers.opened).toBe(0);
  });
});

describe('URLs that strangers choose', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('resolver-flood: names that are never found take no look-up of the system, and no fetch from issuers', async () => {
    const silent = (): Promise<never> => new Promise(() => undefined);
    const asked = vi.spyOn(Resolver.prototype, 'resolve4').mockImplementation(silent);
    vi.spyOn(Resolver.prototype, 'resolve6').mockImplementation(silent);
    const issuer = await startTokenIssuer();
    await using opened = await open({ auth: issuer.auth({ server: loginServer }) });
    const { routes, loginSocket: socketPath } = opened.access;
    const strangers = Array.from({ length: 40 }, (_none, at) => {
      const clientId = encodeURIComponent(`https://x${at}.slow.evil.example/a`);
      return get({ socketPath, path: `/oauth/authorize?client_id=${clientId}`, agent: false });
    });
    for (const stranger of strangers) stranger.on('error', () => undefined);
    // As many as the fetcher has slots.
    await until(() => asked.mock.calls.length === 32);
    expect(asked).toHaveBeenCalledTimes(32);
    const token = await issuer.issue();
    expect(await routes.get('/mcp')?.check?.tokens?.verify(token)).toMatchObject({ kind: 'accepted' });
    expect(await lookup('localhost')).toBeDefined();
    for (const stranger of strangers) stranger.destroy();
    await issuer.stop();
  });
});
