import { describe, expect, it } from 'vitest';
import type { AuthConfig, OAuthConfig } from '../../src/config/config.ts';
import { configOf, cwd, loadText, problemsOf } from './load-text.ts';

const route = 'routes: [{ upstream: 8000 }]\n';
const sha256 = '0a'.repeat(32);
const plainServer = {
  login: [{ kind: 'owner' }],
  registration: true,
  redirects: [],
  metadataHosts: [],
  accessTokenLifetime: 15 * 60_000,
  refreshTokenLifetime: 30 * 86_400_000,
};
const plainOAuth = {
  issuers: [],
  server: plainServer,
  audiences: [],
  scopes: [],
  requiredScopes: [],
  clockSkew: 30_000,
};

async function authOf(text: string, overrides: Parameters<typeof configOf>[1] = {}): Promise<AuthConfig> {
  const [first] = (await configOf(`${route}${text}\n`, overrides)).routes;
  if (first === undefined) throw new Error('no route');
  return first.auth;
}

async function oauthOf(text: string, overrides: Parameters<typeof configOf>[1] = {}): Promise<OAuthConfig> {
  const auth = await authOf(text, overrides);
  if (auth.kind !== 'required' || auth.oauth === undefined) throw new Error('no access tokens');
  return auth.oauth;
}

describe('the built-in server', () => {
  it.each([
    'auth: oauth',
    'auth: { oauth: true }',
    'auth: { oauth: {} }',
    'auth: { oauth: { server: true } }',
    'auth: { oauth: { server: {} } }',
  ])('comes with %j', async (text) => {
    expect(await authOf(text)).toEqual({
      kind: 'required',
      keys: undefined,
      certificates: undefined,
      oauth: plainOAuth,
    });
  });

  it('is off beside issuers, unless it is asked for', async () => {
    const issuer = 'issuer: https://login.example.com';
    expect((await oauthOf(`auth: { oauth: { ${issuer} } }`)).server).toBeUndefined();
    expect((await oauthOf(`auth: { oauth: { ${issuer}, server: true } }`)).server).toEqual(plainServer);
  });

  it('is described once and the same for all routes', async () => {
    const { routes } = await configOf(`
routes:
  - { upstream: 1, auth: { oauth: { server: true, required_scopes: [a] } } }
  - { path: /b, upstream: 2, auth: { oauth: { server: { registration: false, login: [accounts] } } } }
`);
    const servers = routes.map(({ auth }) => auth.kind === 'required' && auth.oauth?.server);
    expect(servers[0]).toEqual({ ...plainServer, registration: false, login: [{ kind: 'accounts' }] });
    expect(servers[1]).toEqual(servers[0]);
  });

  it.each([
    ['', 'openid profile email'],
    ['allow: { groups: [ops] }', 'openid profile email groups'],
    ['scopes: [email]', 'openid email'],
    ['scopes: [openid, "api://x/.default"], allow: { groups: [ops] }', 'openid api://x/.default'],
  ])('asks a provider with %j for the scopes %s', async (text, scopes) => {
    const oidc = `{ issuer: https://login.example.com, client_id: a, client_secret_env: OIDC_SECRET, ${text} }`;
    const { server } = await oauthOf(`auth: { oauth: { server: { login: [{ oidc: ${oidc} }] } } }`, {
      env: { OIDC_SECRET: 'first-secret', HOME: '/home/op' },
    });
    expect(server?.login).toMatchObject([{ scopes: scopes.split(' ') }]);
  });

  it('takes every setting', async () => {
    const env = { OIDC_SECRET: 'first-secret', HOME: '/home/op' };
    const files = { [`${cwd}/github.txt`]: 'second-secret\n' };
    const text = `
auth:
  oauth:
    server:
      login:
        - accounts
        - oidc: { name: Staff, issuer: https://login.example.com, client_id: a, client_secret_env: OIDC_SECRET, allow: { domains: [example.com], groups: [ops] } }
        - github: { client_id: b, client_secret_file: github.txt, allow: { organizations: [example] } }
      registration: false
      redirects: ['com.example.app:/', cursor://app.example/callback]
      metadata_hosts: [App.Example.com]
      access_token: 5m
      refresh_token: 90d
`;
    expect((await oauthOf(text, { env, files })).server).toEqual({
      login: [
        { kind: 'accounts' },
        {
          kind: 'oidc',
          name: 'Staff',
          issuer: 'https://login.example.com',
          clientId: 'a',
          clientSecret: 'first-secret',
          clientSecretSource: { kind: 'environment', name: 'OIDC_SECRET' },
          scopes: ['openid', 'profile', 'email', 'groups'],
          allow: { users: [], domains: ['example.com'], groups: ['ops'] },
        },
        {
          kind: 'github',
          clientId: 'b',
          clientSecret: 'second-secret',
          clientSecretSource: { kind: 'file', path: `${cwd}/github.txt` },
          allow: { users: [], organizations: ['example'] },
        },
      ],
      registration: false,
      redirects: ['com.example.app:/', 'cursor://app.example/callback'],
      metadataHosts: ['app.example.com'],
      accessTokenLifetime: 300_000,
      refreshTokenLifetime: 90 * 86_400_000,
    });
  });
});

describe('issuers', () => {
  const byDefault = {
    issuer: 'https://login.example.com/',
    jwksUri: undefined,
    introspection: undefined,
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
    audiences: [],
    types: [],
    claims: { subject: 'sub', client: 'client_id', scopes: 'scope', groups: 'groups' },
    scopePrefix: '',
    ca: undefined,
  };

  it.each([
    'issuer: https://login.example.com/',
    'issuers: [https://login.example.com/]',
    'issuers: [{ issuer: https://login.example.com/ }]',
  ])('keep their URL letter by letter: %j', async (text) => {
    expect((await oauthOf(`auth: { oauth: { ${text} } }`)).issuers).toEqual([byDefault]);
  });

  it('take every setting', async () => {
    const text = `
auth:
  keys: [{ name: a, sha256: ${sha256}, scopes: [read], expires: 2030-01-31T18:00:00+01:00 }]
  oauth:
    issuers:
      - issuer: http://127.0.0.1:8080/realms/a
        jwks: http://[::1]:8080/keys
        introspection: { url: http://localhost:8080/ask, client_id: gateway, client_secret_env: S }
        algorithms: [ES256, ES256]
        audiences: [api://mcp]
        types: [application/at+JWT]
        claims: { client: azp, groups: realm_access.roles }
        scope_prefix: api://app/
        ca: ca.pem
    audiences: [https://old.example.com/mcp]
    scopes: [read, write]
    required_scopes: [read]
    clock_skew: 0s
`;
    expect(await authOf(text, { env: { S: 's', HOME: '/home/op' } })).toEqual({
      kind: 'required',
      keys: {
        listed: [{ name: 'a', sha256, scopes: ['read'], expiresAt: Date.UTC(2030, 0, 31, 17) }],
        stored: false,
      },
      certificates: undefined,
      oauth: {
        issuers: [
          {
            issuer: 'http://127.0.0.1:8080/realms/a',
            jwksUri: 'http://[::1]:8080/keys',
            introspection: {
              url: 'http://localhost:8080/ask',
              clientId: 'gateway',
              clientSecret: 's',
              clientSecretSource: { kind: 'environment', name: 'S' },
            },
            algorithms: ['ES256'],
            audiences: ['api://mcp'],
            types: ['at+jwt'],
            claims: { subject: 'sub', client: 'azp', scopes: 'scope', groups: 'realm_access.roles' },
            scopePrefix: 'api://app/',
            ca: `${cwd}/ca.pem`,
          },
        ],
        server: undefined,
        audiences: ['https://old.example.com/mcp'],
        scopes: ['read', 'write'],
        requiredScopes: ['read'],
        clockSkew: 0,
      },
    });
  });

  it('advertise what is required when nothing else is said', async () => {
    expect((await oauthOf('auth: { oauth: { required_scopes: [a, a, b] } }')).scopes).toEqual(['a', 'b']);
  });

  it.each([
    ['attack: keys from a plain address', 'http://login.example.com'],
    ['attack: loopback in a name', 'http://127.0.0.1.example.com'],
    ['attack: loopback as user', 'http://localhost@login.example.com'],
    ['attack: a backslash before the host', 'https:\\\\\\\\login.example.com'],
    ['a fragment', 'https://login.example.com/#a'],
    ['a query', 'https://login.example.com/?a'],
    ['a space', 'https://login.example.com /'],
    ['another scheme', 'ftp://login.example.com'],
  ])('%s', async (_name, issuer) => {
    const [problem] = await problemsOf(`${route}auth: { oauth: { issuer: ${JSON.stringify(issuer)} } }\n`);
    expect(problem).toMatch(/^E_CONFIG_VALUE: `auth\.oauth\.issuer` /);
  });

  it.each(['api://my app/', 'a"b/', 'a\\b/', 'a\tb/', 'ä/'])(
    'scope-injection: %j cannot stand in a scope, so not before one',
    async (prefix) => {
      const issuer = { issuer: 'https://login.example.com', scope_prefix: prefix };
      const text = JSON.stringify({ routes: [{ upstream: 1 }], auth: { oauth: { issuers: [issuer] } } });
      const [problem] = await problemsOf(text);
      expect(problem).toMatch(/^E_CONFIG_VALUE: `auth\.oauth\.issuers\[0\]\.scope_prefix` /);
    },
  );

  it.each(['HS256', 'HS512', 'none', 'None', 'rs256', 'RSA1_5', 'dir'])(
    'attack: algorithm confusion with %s',
    async (algorithm) => {
      const issuer = { issuer: 'https://login.example.com', algorithms: ['RS256', algorithm] };
      const text = JSON.stringify({ routes: [{ upstream: 1 }], auth: { oauth: { issuers: [issuer] } } });
      expect(await problemsOf(text)).toEqual([
        'E_CONFIG_VALUE: `auth.oauth.issuers[0].algorithms[1]` is not one of its values',
      ]);
    },
  );
});

describe('redirect URIs', () => {
  const redirect = (uri: string): string =>
    `${route}auth: { oauth: { server: { redirects: [${JSON.stringify(uri)}] } } }\n`;

  it.each([
    'javascript:alert(1)',
    'JavaScript://example.com/%0aalert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'blob:https://app.example.com/x',
    'http://app.example.com/callback',
    'https://app.example.com/callback',
    'com.example.app:',
    'intent://scan/#Intent;end',
    'mailto:me@example.com',
    'https://app.example.com/*',
    'https://app.example.com/#token',
    'https://me:pw@app.example.com/',
    '//app.example.com',
    '*',
  ])('attack: %s receives a code', async (uri) => {
    expect(await problemsOf(redirect(uri))).toHaveLength(1);
  });

  it.each(['cursor://anysphere.example/callback', 'com.example.app:/done', 'com.example.app:/'])(
    'control: %s may',
    async (uri) => {
      await expect(configOf(redirect(uri))).resolves.toBeDefined();
    },
  );
});

describe('several methods', () => {
  it('stand side by side', async () => {
    const auth = await authOf(
      'tls: { clients: { ca: clients.pem, required: false } }\nauth: { keys: stored, certificates: [{ name: ci, subject: "CN=ci" }], oauth: true }',
    );
    expect(auth).toEqual({
      kind: 'required',
      keys: { listed: [], stored: true },
      certificates: [{ name: 'ci', subject: 'CN=ci' }],
      oauth: plainOAuth,
    });
  });

  it('keys have an end, which begins with the day', async () => {
    const auth = await authOf(`auth: { keys: [{ name: a, sha256: ${sha256}, expires: 2030-02-01 }] }`);
    expect(auth).toMatchObject({ keys: { listed: [{ expiresAt: Date.UTC(2030, 1, 1) }] } });
  });

  it.each(['2030', '2030-13-01', '2030-02-30', '2030-01-01T10:00:00', 'tomorrow', '2030-01-01 10:00:00Z'])(
    '%j is no end',
    async (expires) => {
      const auth = JSON.stringify({ keys: [{ name: 'a', sha256, expires }] });
      expect(await problemsOf(`${route}auth: ${auth}\n`)).toEqual([
        'E_CONFIG_VALUE: `auth.keys[0].expires` is not a time',
      ]);
    },
  );

  it('tell of keys that have ended, and of no others', async () => {
    const auth = JSON.stringify({ keys: [{ name: 'a', sha256, expires: '2030-02-01' }] });
    const warningsAt = async (now: number): Promise<unknown> => {
      const loaded = await loadText(`${route}auth: ${auth}\n`, { now });
      return loaded.ok && loaded.value.warnings.map(({ message }) => message);
    };
    expect(await warningsAt(Date.UTC(2030, 1, 1) - 1)).toEqual([]);
    expect(await warningsAt(Date.UTC(2030, 1, 1))).toEqual(['the key `a` of `auth` has expired']);
  });
});

describe('--auth oauth', () => {
  const flags = { auth: 'oauth' } as const;
  const kinds = async (text: string): Promise<unknown> =>
    (await configOf(text, { flags })).routes.map(({ auth }) =>
      auth.kind === 'none' ? 'none' : [auth.keys && 'keys', auth.oauth && 'oauth'],
    );

  it.each(['', 'auth: none\n', 'auth: oauth\n', 'auth:\n'])('locks with %j before it', async (text) => {
    expect(await authOf(text, { flags })).toMatchObject({ keys: undefined, oauth: plainOAuth });
  });

  it('leaves what the file says of tokens, and adds to keys', async () => {
    expect((await oauthOf('auth: { oauth: { required_scopes: [a] } }', { flags })).scopes).toEqual(['a']);
    expect(await kinds(`${route}auth: { keys: stored }\n`)).toEqual([['keys', 'oauth']]);
  });

  it('attack: a route that the file leaves open stays open', async () => {
    const text =
      'routes: [{ upstream: 1, auth: none }, { path: /b, upstream: 2 }, { path: /c, upstream: 3, auth: { keys: stored } }]\n';
    expect(await kinds(text)).toEqual([
      [undefined, 'oauth'],
      [undefined, 'oauth'],
      ['keys', undefined],
    ]);
  });

  it('is told to the caller, and silences the warning about an open door', async () => {
    const loaded = await loadText(`${route}danger_allow_public: true\n`, { flags });
    expect(loaded.ok && loaded.value).toMatchObject({ authRequested: 'oauth', warnings: [] });
  });
});

describe('the public name', () => {
  it.each([
    ['listen: 127.0.0.1:8443', true],
    ['listen: 10.0.0.5:8443', true],
    ['domains: [mcp.example.com, "*.example.com"]\ntls: { acme: { dns: { command: hook } } }', true],
    ['listen: :443', false],
    ['listen: "[::]:443"', false],
    ['listen: :443\nhosts: [mcp.example.com]', false],
  ])('is known after %j: %s', async (text, isKnown) => {
    expect((await loadText(`${route}auth: oauth\n${text}\n`)).ok).toBe(isKnown);
  });
});
