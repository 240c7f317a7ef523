import { isIP } from 'node:net';
import { listTargets } from '../config/split.ts';
import type { Config, ListenAddress, UpstreamTarget } from '../config/config.ts';
import { isLoopbackHost } from '../lib/networks.ts';

/** What whoever starts Breakwater as a service has to know of its configuration. Times are milliseconds. */
export interface Service {
  readonly version: string;
  /** Absolute path of the configuration; `undefined` where there is none. */
  readonly configPath: string | undefined;
  readonly listen: ListenAddress;
  readonly plainHttp: ListenAddress | undefined;
  readonly isProxyProtocol: boolean;
  /** Whether a connection without a client certificate is refused. */
  readonly needsCertificate: boolean;
  readonly connections: number;
  readonly drain: number;
  /** Absolute paths of files that it reads besides its configuration. */
  readonly reads: readonly string[];
  /** The access log, where it is a file. */
  readonly logPath: string | undefined;
  readonly servers: readonly ServiceUpstream[];
}

export interface ServiceUpstream {
  readonly path: string;
  /** Path on the MCP server. */
  readonly upstreamPath: string;
  readonly kind: 'name' | 'loopback' | 'address' | 'unix';
  readonly host: string;
  readonly port: number;
}

export function buildService(
  config: Config,
  { version, configPath }: { readonly version: string; readonly configPath: string | undefined },
): Service {
  const { tls, log } = config;
  return {
    version,
    configPath,
    listen: config.listen,
    plainHttp: config.plainHttp,
    isProxyProtocol: config.proxyProtocol,
    needsCertificate: tls.clients?.required === true,
    connections: config.limits.connections,
    drain: config.timeouts.drain,
    reads: [
      ...tls.files.flatMap(({ cert, key, passphrase }) => [
        cert,
        key,
        ...(passphrase?.kind === 'file' ? [passphrase.path] : []),
      ]),
      ...(tls.clients === undefined
        ? []
        : [tls.clients.ca, ...(tls.clients.crl === undefined ? [] : [tls.clients.crl])]),
    ],
    logPath: log.access.kind === 'file' ? log.access.path : undefined,
    servers: config.routes.flatMap((route) =>
      listTargets(route).map((target) => toServer(route.path, target)),
    ),
  };
}

function toServer(path: string, target: UpstreamTarget): ServiceUpstream {
  if (target.kind === 'unix')
    return { path, upstreamPath: target.path, kind: 'unix', host: target.socketPath, port: 0 };
  const { host, port } = target;
  const kind = isLoopbackHost(host) ? 'loopback' : isIP(host) === 0 ? 'name' : 'address';
  return { path, upstreamPath: target.path, kind, host, port };
}
