import type { Config } from '../../config/config.ts';
import type { BodyBudget } from '../../http/body-budget.ts';
import type { Peer, RequestHandler } from '../../http/exchange.ts';
import type { H1Settings } from '../../http/h1-connection.ts';
import type { H2Settings } from '../../http/h2-session.ts';
import type { ListenerSettings } from '../../http/listener.ts';
import { buildTrustedProxies } from '../../http/trusted-proxies.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { createClientCheck } from '../../tls/handshake/client-identity.ts';
import type { DoorSettings } from './listeners.ts';

/** What serves the connections of all doors, whichever configuration they came under. */
export interface DoorHandlers {
  readonly secure: RequestHandler;
  readonly plain: RequestHandler;
  readonly authz: RequestHandler;
  readonly onRefused: (refusal: { readonly peer: Peer; readonly code: ErrorCode }) => void;
  readonly bodies: BodyBudget;
}

/** Bytes that request bodies may take together: room for at least one of the largest size. */
export function toBodyLimit({ limits }: Config): number {
  return Math.max(limits.allBodiesBytes, limits.bodyBytes);
}

/** What a configuration says of its addresses and of the connections there. */
export function toDoorSettings(
  config: Config,
  tls: Pick<ListenerSettings, 'tls' | 'onSecureServer'>,
  handlers: DoorHandlers,
): readonly DoorSettings[] {
  const { listen, plainHttp, authz, limits } = config;
  const connections = {
    proxyProtocol: config.proxyProtocol ? buildTrustedProxies(config.trustedProxies) : undefined,
    maxConnections: limits.connections,
    maxConnectionsPerAddress: limits.connectionsPerAddress,
    h1: toH1Settings(config),
    h2: toH2Settings(config),
    bodies: handlers.bodies,
    onRefused: handlers.onRefused,
  };
  const identify = config.tls.clients === undefined ? undefined : createClientCheck(config.tls.clients);
  const withoutTls = { ...connections, tls: undefined };
  return [
    {
      door: 'secure',
      address: listen,
      settings: { ...connections, ...tls, identify, handler: handlers.secure },
    },
    ...(plainHttp === undefined
      ? []
      : [
          {
            door: 'plain',
            address: plainHttp,
            settings: { ...withoutTls, handler: handlers.plain },
          } as const,
        ]),
    ...(authz === undefined
      ? []
      : [
          {
            door: 'authz',
            address: authz,
            settings: { ...withoutTls, proxyProtocol: undefined, handler: handlers.authz },
          } as const,
        ]),
  ];
}

function toH1Settings(config: Config): H1Settings {
  const { limits, timeouts } = config;
  return {
    headBytes: limits.headBytes,
    head: { fields: limits.headFields, urlBytes: limits.urlBytes },
    bodyBytes: limits.bodyBytes,
    headTimeout: timeouts.head,
    bodyTimeout: timeouts.body,
    idleTimeout: timeouts.idle,
    stallTimeout: timeouts.stall,
  };
}

function toH2Settings(config: Config): H2Settings {
  const { limits, timeouts } = config;
  return {
    headBytes: limits.headBytes,
    headFields: limits.headFields,
    urlBytes: limits.urlBytes,
    bodyBytes: limits.bodyBytes,
    maxStreams: limits.http2Streams,
    headTimeout: timeouts.head,
    bodyTimeout: timeouts.body,
    idleTimeout: timeouts.idle,
    stallTimeout: timeouts.stall,
  };
}
