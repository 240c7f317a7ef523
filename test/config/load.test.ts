import { describe, expect, it } from 'vitest';
import { configOf, cwd, loadText, problemsOf } from './load-text.ts';
import { oneServer } from '../support/routes.ts';

const route = 'routes: [{ upstream: 8000 }]\n';

describe('a complete file', () => {
  it('resolves', async () => {
    const config = await configOf(`
listen: 0.0.0.0:443
domains: [mcp.example.com]
routes:
  - path: /mcp
    upstream: http://127.0.0.1:8000/mcp
    auth: { keys: [{ name: laptop, sha256: ${'AB'.repeat(32)} }] }
`);
    expect(config).toMatchObject({
      listen: { host: '0.0.0.0', port: 443 },
      plainHttp: { host: '0.0.0.0', port: 80 },
      domains: ['mcp.example.com'],
      tls: { files: [], automatic: { kind: 'acme' }, policy: 'intermediate', clients: undefined },
      routes: [
        {
          path: '/mcp',
          ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/mcp' }),
          auth: { kind: 'required', keys: { listed: [{ name: 'laptop', sha256: 'ab'.repeat(32) }] } },
        },
      ],
    });
  });

  it('takes every setting', async () => {
    const config = await configOf(`
listen: "[::1]:9443"
plain_http: 127.0.0.1:9080
hosts: [Gateway.LAN:8443, 10.0.0.9, "[fd00::1]"]
origins: [https://App.example.com, http://localhost:5173, vscode-webview://abc]
tls: { cert: certs/chain.pem, key: /etc/key.pem }
http2: false
auth: none
routes:
  - path: /a/
    upstream: unix:run/server.sock
  - path: /
    upstream: https://upstream.internal/
trusted_proxies: [10.0.0.0/8, "FD00::/8"]
proxy_protocol: true
limits: { head: 32KiB, fields: 50, url: 2KiB, body: 1GiB, all_bodies: 2GiB, connections: 10, connections_per_address: 5, http2_streams: 7 }
timeouts: { handshake: 1s, head: 2s, body: 3s, idle: 4s, stall: 5s, connect: 6s, upstream_idle: 700ms, heartbeat: 8s, drain: 0s }
keep_alive: { json: 9s }
sessions: { revival: false, idle_timeout: 5m, live: 7, noted: 200 }
workers: 3
log: { level: debug, format: json, access: access.log }
state_dir: state
danger_allow_public: false
`);
    expect(config).toEqual({
      listen: { host: '::1', port: 9443 },
      plainHttp: { host: '127.0.0.1', port: 9080 },
      domains: [],
      hosts: ['gateway.lan:8443', '10.0.0.9', '[fd00::1]'],
      origins: ['https://app.example.com', 'http://localhost:5173', 'vscode-webview://abc'],
      tls: {
        files: [{ cert: `${cwd}/certs/chain.pem`, key: '/etc/key.pem', passphrase: undefined }],
        automatic: { kind: 'none' },
        policy: 'intermediate',
        clients: undefined,
      },
      http2: false,
      routes: [
        {
          path: '/a',
          ...oneServer({ kind: 'unix', socketPath: `${cwd}/run/server.sock`, path: '/mcp' }),
          auth: { kind: 'none' },
          rules: undefined,
          credentials: { kind: 'none' },
        },
        {
          path: '/',
          ...oneServer({ kind: 'tcp', secure: true, host: 'upstream.internal', port: 443, path: '/' }),
          auth: { kind: 'none' },
          rules: undefined,
          credentials: { kind: 'none' },
        },
      ],
      trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
      proxyProtocol: true,
      limits: {
        headBytes: 32_768,
        headFields: 50,
        urlBytes: 2048,
        bodyBytes: 1_073_741_824,
        allBodiesBytes: 2_147_483_648,
        connections: 10,
        connectionsPerAddress: 5,
        http2Streams: 7,
        rates: [],
        concurrency: [],
      },
      timeouts: {
        handshake: 1000,
        head: 2000,
        body: 3000,
        idle: 4000,
        stall: 5000,
        connect: 6000,
        upstreamIdle: 700,
        heartbeat: 8000,
        drain: 0,
      },
      keepAlive: { json: 9000 },
      sessions: { revival: false, idleTimeout: 300_000, live: 7, noted: 200 },
      workers: 3,
      log: { level: 'debug', format: 'json', access: { kind: 'file', path: `${cwd}/access.log` } },
      state: { kind: 'local' },
      stateDir: `${cwd}/state`,
      dangerAllowPublic: false,
    });
  });
});

describe('defaults', () => {
  it('are those of the design', async () => {
    expect(await configOf(undefined, { flags: { target: '3000' } })).toEqual({
      listen: { host: '127.0.0.1', port: 8443 },
      plainHttp: undefined,
      domains: [],
      hosts: [],
      origins: [],
      tls: { files: [], automatic: { kind: 'local-ca' }, policy: 'intermediate', clients: undefined },
      http2: true,
      routes: [
        {
          path: '/mcp',
          ...oneServer({ kind: 'tcp', secure: false, host: '127.0.0.1', port: 3000, path: '/mcp' }),
          auth: { kind: 'none' },
          rules: undefined,
          credentials: { kind: 'none' },
        },
      ],
      trustedProxies: [],
      proxyProtocol: false,
      limits: {
        headBytes: 16_384,
        headFields: 100,
        urlBytes: 4096,
        bodyBytes: 8_388_608,
        allBodiesBytes: 268_435_456,
        connections: 20_000,
        connectionsPerAddress: 2000,
        http2Streams: 100,
        rates: [],
        concurrency: [],
      },
      timeouts: {
        handshake: 10_000,
        head: 10_000,
        body: 10_000,
        idle: 75_000,
        stall: 30_000,
        connect: 5000,
        upstreamIdle: 4000,
        heartbeat: 15_000,
        drain: 30_000,
      },
      keepAlive: { json: undefined },
      sessions: { revival: true, idleTimeout: 86_400_000, live: 10_000, noted: 100_000 },
      workers: 1,
      log: { level: 'info', format: 'auto', access: { kind: 'stderr' } },
      state: { kind: 'local' },
      stateDir: '/home/op/.local/state/breakwater',
      dangerAllowPublic: false,
    });
  });

  it.each([
    ['', { host: '127.0.0.1', port: 8443 }, undefined],
    ['listen: 9000', { host: '127.0.0.1', port: 9000 }, undefined],
    ['listen: ":9000"', { host: '0.0.0.0', port: 9000 }, undefined],
    ['listen: 443', { host: '127.0.0.1', port: 443 }, { host: '127.0.0.1', port: 80 }],
    ['listen: 443\nplain_http: false', { host: '127.0.0.1', port: 443 }, undefined],
    ['domains: [a.example]', { host: '0.0.0.0', port: 443 }, { host: '0.0.0.0', port: 80 }],
    ['domains: [a.example]\nlisten: 9000', { host: '0.0.0.0', port: 9000 }, undefined],
    ['plain_http: 8080', { host: '127.0.0.1', port: 8443 }, { host: '127.0.0.1', port: 8080 }],
  ])('of the listeners after %j', async (text, listen, plainHttp) => {
    const config = await configOf(`${route}${text}\n`);
    expect(config.listen).toEqual(listen);
    expect(config.plainHttp).toEqual(plainHttp);
  });

  it.each([
    ['', undefined],
    ['authz: 8181', { host: '127.0.0.1', port: 8181 }],
    ['authz: "[::1]:8181"', { host: '::1', port: 8181 }],
    ['authz: localhost:8181', { host: 'localhost', port: 8181 }],
  ])('of the listener that proxies ask after %j', async (text, authz) => {
    expect((await configOf(`${route}${text}\n`)).authz).toEqual(authz);
  });

  it.each(['":8181"', '0.0.0.0:8181', '10.0.0.1:8181', 'example.com:8181'])(
    'attack: a stranger who asks: authz: %s is refused',
    async (text) => {
      expect(await problemsOf(`${route}authz: ${text}\n`)).toEqual([
        'E_CONFIG_VALUE: `authz` is not an address of loopback',
      ]);
    },
  );

  it('of two listeners at one address with a problem', async () => {
    expect(await problemsOf(`${route}listen: 9000\nplain_http: 9001\nauthz: localhost:9001\n`)).toEqual([
      'E_CONFIG_CONFLICT: `authz` and `plain_http` both want 127.0.0.1:9001',
    ]);
  });

  it.each([
    [{ STATE_DIRECTORY: '/var/lib/breakwater:/other', XDG_STATE_HOME: '/x' }, '/var/lib/breakwater'],
    [{ XDG_STATE_HOME: '/x', HOME: '/home/op' }, '/x/breakwater'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/op' }, '/home/op/.local/state/breakwater'],
    [{ BREAKWATER_STATE_DIR: '/b', STATE_DIRECTORY: '/s' }, '/b'],
  ])('of the state directory with %j', async (env, stateDir) => {
    expect((await configOf(route, { env })).stateDir).toBe(stateDir);
  });
});

describe('precedence', () => {
  const file = `${route}listen: 127.0.0.1:1001\nhttp2: true\nstate_dir: from-file\n`;
  const env = { BREAKWATER_LISTEN: '127.0.0.1:1002', BREAKWATER_HTTP2: 'false', BREAKWATER_PLAIN_HTTP: '' };

  it('is flag over environment over file', async () => {
    expect((await configOf(file)).listen.port).toBe(1001);
    expect(await configOf(file, { env })).toMatchObject({ listen: { port: 1002 }, http2: false });
    expect((await configOf(file, { env, flags: { listen: '1003' } })).listen.port).toBe(1003);
  });

  it('holds for the public URL too', async () => {
    const publicUrl = 'https://mcp.example.com:8443';
    const named = { BREAKWATER_PUBLIC_URL: publicUrl };
    expect((await configOf(route, { env: named })).publicUrl).toBe(publicUrl);
  });

  it('is remembered', async () => {
    const loaded = await loadText(file, { env, flags: { listen: '1003' } });
    expect(loaded.ok && Object.fromEntries(loaded.value.provenance)).toMatchObject({
      listen: { kind: 'flag', name: '--listen' },
      http2: { kind: 'environment', name: 'BREAKWATER_HTTP2' },
      state_dir: { kind: 'file', file: 'breakwater.yaml', line: 4, column: 12 },
    });
  });

  it('makes files of the command line relative to the working directory, those of the file relative to it', async () => {
    const flags = { cert: 'c.pem', stateDir: 'from-flag' };
    const config = await configOf(`${route}tls: { cert: x.pem, key: k.pem }\n`, { flags });
    expect(config.tls.files).toEqual([{ cert: `${cwd}/c.pem`, key: `${cwd}/k.pem`, passphrase: undefined }]);
    expect(config.stateDir).toBe(`${cwd}/from-flag`);
  });

  it('lets TARGET replace the upstream of the only route', async () => {
    const config = await configOf('routes: [{ path: /tools, upstream: 8000 }]\n', {
      flags: { target: '9000' },
    });
    expect(config.routes).toMatchObject([{ path: '/tools', upstreams: [{ target: { port: 9000 } }] }]);
    expect(
      await problemsOf('routes: [{ upstream: 1 }, { path: /b, upstream: 2 }]', { flags: { target: '9000' } }),
    ).toEqual(['E_CONFIG_CONFLICT: TARGET names one MCP server, but the configuration has several routes']);
  });
});

describe('the file', () => {
  it('is breakwater.yaml when neither file nor target is named', async () => {
    const loaded = await loadText(route);
    expect(loaded.ok && loaded.value.file).toBe('breakwater.yaml');
  });

  it('is not looked for when a target is named', async () => {
    const loaded = await loadText('broken: [', { flags: { target: '3000' }, file: undefined as never });
    expect(loaded.ok && loaded.value.file).toBeUndefined();
  });

  it('is standard input for -', async () => {
    const loaded = await loadText(route, { file: '-' });
    expect(loaded.ok && loaded.value.file).toBe('<stdin>');
  });

  it('must exist when it is named', async () => {
    expect(await problemsOf(route, { file: 'other.yaml' })).toEqual([
      'E_CONFIG_FILE: `other.yaml` cannot be read: it does not exist',
    ]);
  });

  it('may be absent otherwise, but something must name an MCP server', async () => {
    expect(await problemsOf(undefined)).toEqual(['E_CONFIG_NO_ROUTE: no MCP server is configured']);
  });

  it('must be small text in UTF-8', async () => {
    expect(await problemsOf(`#${' '.repeat(1024 * 1024)}`)).toEqual([
      'E_CONFIG_FILE: `breakwater.yaml` cannot be read: it is larger than 1 MiB',
    ]);
  });

  it('may begin with a byte order mark', async () => {
    expect((await configOf(`\ufeff${route}`)).routes).toHaveLength(1);
  });
});

describe('--auth', () => {
  it('none is the default of routes and opens none that is locked', async () => {
    const key = `{ name: a, sha256: ${'0a'.repeat(32)} }`;
    const text = `routes: [{ upstream: 1, auth: { keys: [${key}] } }, { path: /b, upstream: 2 }]`;
    const config = await configOf(text, { flags: { auth: 'none' } });
    expect(config.routes.map(({ auth }) => auth.kind)).toEqual(['required', 'none']);
  });

  it('key is left to the caller, and silences the warning about an open door', async () => {
    const loaded = await loadText(`${route}danger_allow_public: true\n`, { flags: { auth: 'key' } });
    expect(loaded.ok && loaded.value).toMatchObject({ authRequested: 'key', warnings: [] });
    const open = await loadText(`${route}danger_allow_public: true\n`);
    expect(open.ok && open.value.warnings).toMatchObject([{ code: 'E_CONFIG_RISK', line: 2 }]);
  });
});

it('the configuration is frozen to its leaves', async () => {
  const check = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    expect(Object.isFrozen(value)).toBe(true);
    Object.values(value).forEach(check);
  };
  check(await configOf(`${route}hosts: [a]\n`));
});

it('what was given is handed on in the words of the file: no defaults, and the last source that said it', async () => {
  const text = `${route}# a comment\nlimits: { body: 1MiB }\nhosts: [a, b]\n`;
  const loaded = await loadText(text, {
    env: { BREAKWATER_LISTEN: '127.0.0.1:1' },
    flags: { stateDir: '/s' },
  });
  expect(loaded.ok && loaded.value.settings).toEqual({
    routes: [{ upstream: 8000 }],
    limits: { body: '1MiB' },
    hosts: ['a', 'b'],
    listen: '127.0.0.1:1',
    state_dir: '/s',
  });
});
