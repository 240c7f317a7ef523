import type { Front, FrontRoute } from '../../src/render/front.ts';

/** A route to a server on this machine, for whoever is known. */
export const sampleRoute: FrontRoute = {
  path: '/mcp',
  upstreams: [
    { kind: 'tcp', secure: false, host: '127.0.0.1', port: 8000, path: '/mcp', ca: undefined, weight: 1 },
  ],
  protected: true,
  metadataPaths: ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp'],
};

/** What `breakwater.yaml` of the documentation comes to. */
export const directFront: Front = {
  mode: 'direct',
  listen: { host: '0.0.0.0', port: 443 },
  plainHttp: { host: '0.0.0.0', port: 80 },
  names: ['mcp.example.com'],
  publicUrl: 'https://mcp.example.com',
  routes: [sampleRoute],
  certificate: {
    cert: '/etc/letsencrypt/live/mcp.example.com/fullchain.pem',
    key: '/etc/letsencrypt/live/mcp.example.com/privkey.pem',
  },
  tlsPolicy: 'intermediate',
  http2: true,
  origins: ['https://app.example.com'],
  trustedProxies: [],
  limits: {
    headBytes: 65_536,
    bodyBytes: 16_777_216,
    connections: 10_000,
    connectionsPerAddress: 256,
    http2Streams: 100,
  },
  timeouts: {
    head: 10_000,
    body: 60_000,
    idle: 75_000,
    connect: 5000,
    stream: 86_400_000,
    upstreamIdle: 4000,
    drain: 30_000,
  },
  authz: { host: '127.0.0.1', port: 9180 },
};

/** The same with Breakwater behind the engine. */
export const breakwaterFront: Front = {
  ...directFront,
  mode: 'front',
  authz: undefined,
  routes: [
    {
      ...sampleRoute,
      upstreams: [
        {
          kind: 'tcp',
          secure: true,
          host: '127.0.0.1',
          port: 8443,
          path: '/mcp',
          ca: '/var/lib/breakwater/local-ca/root.pem',
          weight: 1,
        },
      ],
    },
  ],
};

/** Everything that a front can have: several names and routes, replicas, a Unix socket, another proxy before it. */
export const fullFront: Front = {
  ...directFront,
  names: ['mcp.example.com', '*.tools.example.com', '2001:db8::1'],
  listen: { host: '::', port: 8443 },
  publicUrl: 'https://mcp.example.com:8443',
  tlsPolicy: 'modern',
  http2: false,
  trustedProxies: ['10.0.0.0/8', '2001:db8:1::/48'],
  routes: [
    sampleRoute,
    {
      path: '/open/mcp',
      upstreams: [
        {
          kind: 'tcp',
          secure: true,
          host: 'a.internal',
          port: 8443,
          path: '/mcp',
          ca: '/etc/ssl/internal.pem',
          weight: 1,
        },
        {
          kind: 'tcp',
          secure: true,
          host: 'b.internal',
          port: 8443,
          path: '/mcp',
          ca: '/etc/ssl/internal.pem',
          weight: 3,
        },
      ],
      protected: false,
      metadataPaths: [],
    },
    {
      path: '/',
      upstreams: [{ kind: 'unix', socketPath: '/run/mcp server.sock', path: '/serve/mcp/', weight: 1 }],
      protected: true,
      metadataPaths: ['/.well-known/oauth-protected-resource'],
    },
  ],
};
