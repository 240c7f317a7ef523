import type { Config } from '../config/config.ts';
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
import type { UpstreamTarget } from '../upstream/target.ts';
import type { Access } from './access/open-access.ts';
import { formatRecord, formatRefusal, RECORD_MESSAGE, REFUSAL_MESSAGE } from './access-record.ts';
import type { Exchange } from './exchange.ts';
import { buildHostNames } from './host-names.ts';
import { MemoryGuard, type MemoryReading } from './memory-guard.ts';
import { LoginRelay, type LoginRelayEnvironment } from './login-relay.ts';
import { createPipeline } from './pipeline.ts';
import { createPlainHttpHandler } from './plain-http.ts';
import { toReadiness, type Readiness } from './readiness.ts';
import { Relay, type RelayEnvironment } from './relay.ts';
import type { ResponsePolicy } from './response-fields.ts';
import { createRouteTable } from './routes.ts';
import { createSessionNames } from './session-names.ts';
import { createAuthenticateStage } from './stages/authenticate.ts';
import { authorizeStage } from './stages/authorize.ts';
import { createBindSessionStage } from './stages/bind-session.ts';
import { classifyStage } from './stages/classify.ts';
import { createCredentialsStage } from './stages/credentials.ts';
import { createGuardStage } from './stages/guard.ts';
import { createHealthStage } from './stages/health.ts';
import { createDoorStage, createLimitStage, createLoginDoorStage } from './stages/limit.ts';
import { resourceMetadataStage } from './stages/resource-metadata.ts';
import { createRouteStage } from './stages/route.ts';
import { createShedStage } from './stages/shed.ts';
import { watchCallers } from './watch-callers.ts';

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
  /** Opened for this configuration; stays open until the gateway has shut down. */
  readonly access: Access;
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
  /** Stops accepting, finishes calls within the drain time, ends streams by their era's rule. Idempotent. */
  shutdown(): Promise<void>;
  /** Cuts a running shutdown short: what still runs gets an error and ends. */
  hasten(): void;
}

const READ_BUFFER_BYTES = 64 * 1024;
/** How long answers given at the very end may take to leave. */
const LAST_FLUSH_MILLISECONDS = 1000;

/**
 * The composition root: builds everything from the configuration and starts listening. Rejects with the
 * system's error when an address cannot be bound; nothing is left open then.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, log, clock, access } = options;
  const deadlines = new Deadlines(clock);
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const { stall } = config.timeouts;
  const peers = new PeerWatch({ deadlines, timeout: stall, read: readUnansweredConnections });
  const pools: UpstreamPool[] = [];
  const openPool = (target: UpstreamTarget): UpstreamPool => {
    const { connect, upstreamIdle } = config.timeouts;
    const pool = new UpstreamPool({
      target,
      clock,
      deadlines,
      connectTimeout: connect,
      idleTimeout: upstreamIdle,
      readBuffer,
    });
    pools.push(pool);
    peers.watch(() => pool.sockets());
    return pool;
  };
  const routes = createRouteTable(
    config.routes,
    ({ path, upstream }) => {
      const own = access.routes.get(path);
      if (own === undefined) throw new TypeError(`the access of ${path} was not opened`);
      return { pool: openPool(upstream), access: own };
    },
    access.paths,
  );
  const { automatic } = config.tls;
  const isOnDemand = automatic.kind === 'acme' && automatic.onDemand !== undefined;
  const hostNames = buildHostNames(
    config.listen.host,
    config.domains,
    isOnDemand ? (name) => options.certificates.covers(name) : undefined,
  );
  const isTrusted = buildTrustedProxies(config.trustedProxies);
  const policy: ResponsePolicy = { hsts: config.domains.length > 0 };
  const relays = new SwapSet<Relay | LoginRelay>();
  let draining = false;
  const isDraining = (): boolean => draining;
  const readiness = (): Readiness => toReadiness(draining, options.certificates, clock.now());
  const record = (exchange: Exchange): void => {
    exchange.leave?.();
    options.accessLog?.write(RECORD_MESSAGE, formatRecord(exchange, clock.monotonic()));
  };

  const onSettled = (relay: Relay | LoginRelay): void => {
    relays.delete(relay);
    record(relay.exchange);
  };
  const relayEnvironment: RelayEnvironment = {
    routes,
    policy,
    deadlines,
    heartbeat: config.timeouts.heartbeat,
    random: options.random,
    isDraining,
    sessions: createSessionNames(access.seal),
    onSettled,
  };
  const login = access.loginSocket;
  const loginEnvironment: LoginRelayEnvironment | undefined =
    login === undefined
      ? undefined
      : { pool: openPool({ kind: 'unix', socketPath: login, path: '/' }), policy, onSettled };
  const createRelay = (exchange: Exchange): Relay | LoginRelay => {
    const { destination } = exchange;
    if (destination.kind === 'mcp') return new Relay(relayEnvironment, exchange, destination);
    if (destination.kind === 'login' && loginEnvironment !== undefined)
      return new LoginRelay(loginEnvironment, exchange);
    throw new TypeError(`nothing is behind ${exchange.request.path}`);
  };
  const { rates, concurrency } = config.limits;
  const isLimited = rates.length + concurrency.length > 0;
  const limits = createLimits({ rates, concurrency, clock });
  const handler = createPipeline({
    stages: [
      createRouteStage(routes),
      ...(isLimited ? [createDoorStage(limits)] : []),
      ...(login === undefined ? [] : [createLoginDoorStage(clock)]),
      createGuardStage({ hostNames, hosts: listHosts(config), origins: new Set(config.origins) }),
      createHealthStage(readiness),
      resourceMetadataStage,
      createShedStage(new MemoryGuard(options.readMemory ?? (() => []))),
      createAuthenticateStage(),
      classifyStage,
      authorizeStage,
      ...(isLimited ? [createLimitStage(limits)] : []),
      createBindSessionStage(access.seal),
      createCredentialsStage(({ reason }, { destination }) => {
        const route = destination.kind === 'mcp' ? destination.route.path : undefined;
        log.error({ route, reason }, 'there are no credentials for the MCP server');
      }),
    ],
    forward(exchange) {
      const relay = createRelay(exchange);
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
  const expiry = watchCallers(relays, { clock, routes: access.routes });
  let closing: Promise<void> | undefined;
  const shutdown = async (): Promise<void> => {
    draining = true;
    const drained = Promise.all(listeners.map((each) => each.drain())).then(() => undefined);
    for (const relay of relays.snapshot()) if (relay instanceof Relay && relay.longLived) relay.leave();
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

/** Further Host values: those that are listed, and the one in the URL of clients. */
function listHosts({ hosts, publicUrl }: Config): ReadonlySet<string> {
  return new Set(publicUrl === undefined ? hosts : [...hosts, new URL(publicUrl).host]);
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
