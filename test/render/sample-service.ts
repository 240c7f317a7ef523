import type { Service } from '../../src/render/service.ts';

/** A gateway on the public ports, before a server of another container. */
export const publicService: Service = {
  version: '1.2.3',
  configPath: '/etc/breakwater/breakwater.yaml',
  listen: { host: '0.0.0.0', port: 443 },
  plainHttp: { host: '0.0.0.0', port: 80 },
  isProxyProtocol: false,
  needsCertificate: false,
  connections: 10_000,
  drain: 30_000,
  reads: [],
  logPath: undefined,
  servers: [{ path: '/mcp', upstreamPath: '/mcp', kind: 'name', host: 'tools', port: 8000 }],
};

/** One for this machine alone, with everything that a container does not see. */
export const localService: Service = {
  ...publicService,
  configPath: undefined,
  listen: { host: '127.0.0.1', port: 8443 },
  plainHttp: undefined,
  reads: ['/etc/ssl/mcp.pem', '/etc/ssl/mcp.key'],
  logPath: '/var/log/breakwater/access.log',
  servers: [
    { path: '/mcp', upstreamPath: '/mcp', kind: 'loopback', host: '127.0.0.1', port: 8000 },
    { path: '/more', upstreamPath: '/serve', kind: 'unix', host: '/run/more.sock', port: 0 },
  ],
};
