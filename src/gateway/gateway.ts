import { buildListedKeyVerifier } from '../auth/keys/listed-keys.ts';
import type { Principal } from '../auth/principal.ts';
import { buildCertificateVerifier } from '../auth/client-certificate.ts';
import type { Config, KeysConfig } from '../config/config.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { Deadlines } from '../http/deadlines.ts';
import { PeerWatch } from '../http/peer-watch.ts';
import type { Peer } from '../http/exchange.ts';
import type { H1Settings } from '../http/h1-connection.ts';
import type { H2Settings } from '../http/h2-session.ts';
import { createListener, type Listener } from '../http/listener.ts';
import { readUnansweredConnections } from '../http/tcp-table-reader.ts';
import { buildTrustedProxies } from '../http/trusted-proxies.ts';
import type { Clock } from '../lib/clock.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { SwapSet } from '../lib/swap-set.ts';
import type { Log } from '../observe/log.ts';
import type { RecordLog } from '../observe/record-log.ts';
import type { Certificates } from '../tls/certificates.ts';
import { createClientCheck } from '../tls/handshake/client-identity.ts';
import { createLimits } from '../limits/limits.ts';
import { UpstreamPool } from '../upstream/pool.ts';
import { formatRecord, formatRefusal, RECORD_MESSAGE, REFUSAL_MESSAGE } from './access-record.ts';
import type { Exchange } from './exchange.ts';
import { buildHostNames } from './host-names.ts';
import { MemoryGuard, type MemoryReading } from './memory-guard.ts';
import { createPipeline } from './pipeline.ts';
import { createPlainHttpHandler } from './plain-http.ts';
import { toReadiness, type Readiness } from './readiness.ts';
import { Relay, type RelayEnvironment } from './relay.ts';
import type { ResponsePolicy } from './response-fields.ts';
import { createRouteTable, type Route } from './routes.ts';
import { createAuthenticateStage, type KeyCheck, type RouteCheck } from './stages/authenticate.ts';
import { classifyStage } from './stages/classify.ts';
import { createGuardStage } from './stages/guard.ts';
import { createHealthStage } from './stages/health.ts';
import { createDoorStage, createLimitStage } from './stages/limit.ts';
import { createRouteStage } from './stages/route.ts';
import { createShedStage } from './stages/shed.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly certificates: Pick<
    Certificates,
    'createTlsOptions' | 'attach' | 'answerChallenge' | 'covers' | 'expiry' | 'missing'
  >;
  /** Events of the gateway itself. */
  readonly log: Log;
  /** One line a request, or `undefined` for none. */
  readonly accessLog: RecordLog | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  /** The keys of the state store; needed where a route accepts them. */
  readonly storedKeys?: KeyCheck | undefined;
  /** What is left of memory; nothing is refused for want of it when absent. */
  readonly readMemory?: () => readonly MemoryReading[];
}

export interface Gateway {
  /** The address the TLS listener is bound to; its port is the real one where 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number };
  /** Open client connections and exchanges under way. */
  readonly load: {
    readonly connections: number;
    readonly exchanges: number;
    readonly upstreamConnections: number;
  };
  /** Ends everything that a caller has open. */
  turnOut(principal: Principal): void;
  /** Stops accepting, finishes calls within the drain time, ends streams by their era's rule. Idempotent. */
  shutdown(): Promise<void>;
  /** Cuts a running shutdown short: what still runs gets an error and ends. */
  hasten(): void;
}

const EXPIRY_LOOK_MILLISECONDS = 1000;
const READ_BUFFER_BYTES = 64 * 1024;
/** How long answers given at the very end may take to leave. */
const LAST_FLUSH_MILLISECONDS = 1000;

/**
 * The composition root: builds everything from the configuration and starts listening. Rejects with the
 * system's error when an address cannot be bound; nothing is left open then.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, clock } = options;
  const deadlines = new Deadlines(clock);
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const { stall } = config.timeouts;
  const peers = new PeerWatch({ deadlines, timeout: stall, read: readUnansweredConnections });
  const pools: UpstreamPool[] = [];
  const routes = createRouteTable(config.routes, ({ upstream }) => {
    const { connect, upstreamIdle } = config.timeouts;
    const pool = new UpstreamPool({
      target: upstream,
      clock,
      deadlines,
      connectTimeout: connect,
      idleTimeout: upstreamIdle,
      readBuffer,
    });
    pools.push(pool);
    peers.watch(() => pool.sockets());
    return pool;
  });
  const { automatic } = config.tls;
  const isOnDemand = automatic.kind === 'acme' && automatic.onDemand !== undefined;
  const hostNames = buildHostNames(
    config.listen.host,
    config.domains,
    isOnDemand ? (name) => options.certificates.covers(name) : undefined,
  );
  const isTrusted = buildTrustedProxies(config.trustedProxies);
  const policy: ResponsePolicy = { hsts: config.domains.length > 0 };
  const relays = new SwapSet<Relay>();
  let draining = false;
  const isDraining = (): boolean => draining;
  const readiness = (): Readiness => toReadiness(draining, options.certificates, clock.now());
  const record = (exchange: Exchange): void => {
    exchange.leave?.();
    options.accessLog?.write(RECORD_MESSAGE, formatRecord(exchange, clock.monotonic()));
  };

  const relayEnvironment: RelayEnvironment = {
    routes,
    policy,
    deadlines,
    heartbeat: config.timeouts.heartbeat,
    random: options.random,
    isDraining,
    onSettled(relay) {
      relays.delete(relay);
      record(relay.exchange);
    },
  };
  const { rates, concurrency } = config.limits;
  const isLimited = rates.length + concurrency.length > 0;
  const limits = createLimits({ rates, concurrency, clock });
  const handler = createPipeline({
    stages: [
      createRouteStage(routes),
      ...(isLimited ? [createDoorStage(limits)] : []),
      createGuardStage({ hostNames, hosts: new Set(config.hosts), origins: new Set(config.origins) }),
      createHealthStage(readiness),
      createShedStage(new MemoryGuard(options.readMemory ?? (() => []))),
      createAuthenticateStage(buildChecks(routes.routes, options)),
      classifyStage,
      ...(isLimited ? [createLimitStage(limits)] : []),
    ],
    forward(exchange) {
      if (exchange.destination.kind !== 'mcp') return;
      const relay = new Relay(relayEnvironment, exchange, exchange.destination);
      relays.add(relay);
      relay.start();
    },
    record,
    onError: (error) => log.error({ err: error }, 'a request failed inside Breakwater'),
    isTrusted,
    policy,
    clock,
  });

  const onRefused = (refusal: { readonly peer: Peer; readonly code: ErrorCode }): void => {
    options.accessLog?.write(REFUSAL_MESSAGE, formatRefusal(refusal));
  };
  const common = {
    proxyProtocol: config.proxyProtocol ? isTrusted : undefined,
    maxConnections: config.limits.connections,
    maxConnectionsPerAddress: config.limits.connectionsPerAddress,
    h1: toH1Settings(config),
    h2: toH2Settings(config),
    bodies: new BodyBudget(Math.max(config.limits.allBodiesBytes, config.limits.bodyBytes)),
    deadlines,
    peers,
    onRefused,
  };
  const listener = await createListener({
    ...config.listen,
    ...common,
    tls: options.certificates.createTlsOptions({
      http2: config.http2,
      handshakeTimeout: config.timeouts.handshake,
    }),
    onSecureServer: (server) => options.certificates.attach(server),
    identify: config.tls.clients === undefined ? undefined : createClientCheck(config.tls.clients),
    handler,
  });
  const listeners: Listener[] = [listener];
  if (config.plainHttp !== undefined) {
    const plain = createPlainHttpHandler({
      hostNames,
      securePort: listener.address.port,
      readiness,
      answerChallenge: (token) => options.certificates.answerChallenge(token),
    });
    try {
      listeners.push(
        await createListener({ ...config.plainHttp, ...common, tls: undefined, handler: plain }),
      );
    } catch (error) {
      listener.destroy();
      throw error;
    }
  }

  const finish = (): void => {
    for (const relay of relays.snapshot()) relay.giveUp();
  };
  const close = (): void => {
    expiry.cancel();
    for (const each of listeners) each.destroy();
    for (const pool of pools) pool.close();
  };
  // Most callers never end, so nothing is asked for each of them: one look a second at what is open.
  const expiry = clock.setInterval(() => {
    const now = clock.now();
    for (const relay of relays.snapshot()) {
      if ((relay.exchange.principal?.expiresAt ?? Infinity) <= now) relay.turnOut();
    }
  }, EXPIRY_LOOK_MILLISECONDS);
  let closing: Promise<void> | undefined;
  const shutdown = async (): Promise<void> => {
    draining = true;
    const drained = Promise.all(listeners.map((each) => each.drain())).then(() => undefined);
    for (const relay of relays.snapshot()) if (relay.longLived) relay.leave();
    try {
      await Promise.race([drained, sleep(clock, config.timeouts.drain)]);
      finish();
      await Promise.race([drained, sleep(clock, LAST_FLUSH_MILLISECONDS)]);
    } finally {
      close();
    }
  };
  return {
    address: listener.address,
    get load() {
      return {
        connections: listeners.reduce((sum, each) => sum + each.connections, 0),
        exchanges: relays.size,
        upstreamConnections: pools.reduce((sum, pool) => sum + pool.size, 0),
      };
    },
    turnOut(principal) {
      for (const relay of relays.snapshot()) if (relay.exchange.principal === principal) relay.turnOut();
    },
    shutdown: () => (closing ??= shutdown()),
    hasten() {
      finish();
      clock.setTimeout(close, LAST_FLUSH_MILLISECONDS);
    },
  };
}

function sleep(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, milliseconds));
}

function buildChecks(
  routes: readonly Route[],
  { clock, storedKeys }: Pick<GatewayOptions, 'clock' | 'storedKeys'>,
): Map<Route, RouteCheck> {
  const checks = new Map<Route, RouteCheck>();
  for (const route of routes) {
    if (route.auth.kind === 'none') continue;
    const { keys, certificates } = route.auth;
    checks.set(route, {
      keys: keys && buildKeyCheck(keys, { clock, storedKeys: keys.stored ? storedKeys : undefined }),
      certificates: certificates && buildCertificateVerifier(certificates),
    });
  }
  return checks;
}

/** Keys of the configuration first, then those of the state store, which can be revoked while the gateway runs. */
function buildKeyCheck(
  { listed, stored }: KeysConfig,
  { clock, storedKeys }: Pick<GatewayOptions, 'clock' | 'storedKeys'>,
): KeyCheck {
  if (stored && storedKeys === undefined)
    throw new TypeError('a route accepts stored keys, and there are none');
  const find = buildListedKeyVerifier(listed, { clock });
  const mine = new WeakSet<Principal>();
  return {
    verify(key) {
      const principal = find(key);
      if (principal === undefined) return storedKeys?.verify(key);
      mine.add(principal);
      return principal;
    },
    isCurrent: (principal) =>
      mine.has(principal)
        ? (principal.expiresAt ?? Infinity) > clock.now()
        : storedKeys?.isCurrent(principal) === true,
  };
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
