import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import { toRouteId } from '../config/route-id.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { RequestHandler } from '../http/exchange.ts';
import { buildTrustedProxies, isLoopbackPeer } from '../http/trusted-proxies.ts';
import type { Clock } from '../lib/clock.ts';
import { createLimits, type Limits } from '../limits/limits.ts';
import type { Log } from '../observe/log.ts';
import type { RecordLog } from '../observe/record-log.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';
import type { Certificates } from '../tls/certificates.ts';
import type { Lease } from '../lib/leases.ts';
import type { HealthChecks } from '../upstream/health/health-checks.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { UpstreamPools } from '../upstream/pools.ts';
import type { AddressWatch } from '../upstream/resolve/address-watch.ts';
import type { UpstreamTarget } from '../upstream/target.ts';
import type { Access } from './access/open-access.ts';
import type { AnnouncedPaths } from './announced-paths.ts';
import { createAuthzHandler } from './authz/authz-handler.ts';
import type { Exchange } from './exchange.ts';
import { buildHostNames } from './host-names.ts';
import { LoginRelay, type LoginRelayEnvironment } from './login-relay.ts';
import type { MemoryGuard } from './memory-guard.ts';
import { createPipeline, type Stage } from './pipeline.ts';
import { createPlainHttpHandler } from './plain-http.ts';
import { toReadiness, type Readiness } from './readiness.ts';
import type { RelayEnvironment } from './relay-environment.ts';
import { Relay } from './relay.ts';
import type { ResponsePolicy } from './response-fields.ts';
import { openRouteServers, type RouteServers } from './route-servers.ts';
import { createRouteTable, type RouteTable } from './routes.ts';
import { createSessionNames, plainSessionNames } from './session-names.ts';
import type { SessionKeeper } from './sessions/session-keeper.ts';
import { answerQuestionStage } from './stages/answer-question.ts';
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
import { splitStage } from './stages/split.ts';

/** A configuration, and what was opened for it. */
export interface ServingParts {
  readonly config: Config;
  readonly certificates: Pick<
    Certificates,
    'createTlsOptions' | 'attach' | 'answerChallenge' | 'covers' | 'expiry' | 'missing'
  >;
  /** Events of the gateway itself. */
  readonly log: Log;
  /** One line a request, or `undefined` for none. */
  readonly accessLog: RecordLog | undefined;
  readonly access: Access;
  /** Where replicas count for the same limits; `undefined` where there are none. */
  readonly redis: RedisConnection | undefined;
}

/** What stays when the configuration changes. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly deadlines: Deadlines;
  readonly pools: UpstreamPools;
  readonly checks: HealthChecks;
  readonly watchName: (host: string) => Lease<AddressWatch>;
  /** Called when the servers of a route have changed, and with them the pools that are in use. */
  readonly onServersChanged: () => void;
  readonly announced: AnnouncedPaths;
  readonly keeper: SessionKeeper;
  readonly memory: MemoryGuard;
  /** Whether other workers count for the same limits. */
  readonly isShared: boolean;
  readonly isDraining: () => boolean;
  /** Port of the TLS listener. */
  readonly securePort: () => number;
  readonly onStarted: (relay: Relay | LoginRelay) => void;
  /** Called once for each relay, when both sides are done. */
  readonly onSettled: (relay: Relay | LoginRelay) => void;
  /** Called once for each exchange that became no relay. */
  readonly record: (exchange: Exchange) => void;
}

/** How requests are served under one configuration. */
export interface Serving extends ServingParts {
  readonly routes: RouteTable;
  /** The servers of each route, by its identity (`toRouteId`). */
  readonly routeServers: ReadonlyMap<string, RouteServers>;
  /** Those in use just now. */
  pools(): Iterable<UpstreamPool>;
  readonly limits: Limits;
  readonly isLimited: boolean;
  /** Whether others count for the same limits. */
  readonly isShared: boolean;
  /** Requests over TLS. */
  readonly handler: RequestHandler;
  /** Requests over plain HTTP from outside. */
  readonly plain: RequestHandler;
  /** Questions of other proxies on this machine. */
  readonly authz: RequestHandler;
  /** Asks who calls and whether they may, as of a request that comes now; notes both on the exchange. */
  readonly readmit: Stage;
  /** Ends what goes on for it beside requests: checks, and names that are watched. Requests under way are not touched. Idempotent. */
  close(): void;
}

/** Builds the handlers of a configuration. Takes over from the one before what is the same in both; nothing is changed there. */
export function buildServing(
  parts: ServingParts,
  surroundings: Surroundings,
  before: Serving | undefined,
): Serving {
  const { config, certificates, log, access } = parts;
  const { clock, deadlines, random, announced, keeper, isDraining, onSettled } = surroundings;
  const { connect: connectTimeout, upstreamIdle: idleTimeout } = config.timeouts;
  const openPool = (target: UpstreamTarget): UpstreamPool =>
    surroundings.pools.find({ target, connectTimeout, idleTimeout });
  const routeServers = openRouteServers(config.routes, {
    clock,
    deadlines,
    before: before?.routeServers,
    openPool,
    checks: surroundings.checks,
    watchName: surroundings.watchName,
    onChange: surroundings.onServersChanged,
  });
  const routes = createRouteTable(
    config.routes,
    (route) => {
      const id = toRouteId(route);
      const own = access.routes.get(id);
      const servers = routeServers.get(id);
      if (own === undefined || servers === undefined)
        throw new TypeError(`what belongs to ${id} was not opened`);
      return { servers: servers.group, splits: servers.splits, access: own };
    },
    { ...access.paths, announced },
  );
  const { automatic } = config.tls;
  const isOnDemand = automatic.kind === 'acme' && automatic.onDemand !== undefined;
  const hostNames = buildHostNames(
    config.listen.host,
    config.domains,
    isOnDemand ? (name) => certificates.covers(name) : undefined,
  );
  const isTrusted = buildTrustedProxies(config.trustedProxies);
  const policy: ResponsePolicy = { hsts: config.domains.length > 0 };
  const readiness = (): Readiness => toReadiness(isDraining(), certificates, clock.now());
  const relayEnvironment: RelayEnvironment = {
    routes,
    policy,
    deadlines,
    heartbeat: config.timeouts.heartbeat,
    random,
    isDraining,
    sessions: access.seal === undefined ? plainSessionNames : createSessionNames(access.seal, keeper),
    keeper,
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
  const isShared = surroundings.isShared || parts.redis !== undefined;
  const limits =
    before !== undefined && isSameLimits(before.config, config) && isShared === before.isShared
      ? before.limits
      : createLimits({ rates, concurrency, clock, isShared });
  const loginDoor = login === undefined ? [] : [createLoginDoorStage(clock)];
  const authenticate = createAuthenticateStage();
  const admission: readonly Stage[] = [
    createGuardStage({ hostNames, hosts: listHosts(config), origins: new Set(config.origins) }),
    createHealthStage(readiness),
    resourceMetadataStage,
    createShedStage(surroundings.memory),
    authenticate,
  ];
  const credentials = createCredentialsStage(({ reason }, { destination }) => {
    const route = destination.kind === 'mcp' ? destination.route.id : undefined;
    log.error({ route, reason }, 'there are no credentials for the MCP server');
  });
  const common = {
    forward(exchange: Exchange): void {
      const relay = createRelay(exchange);
      surroundings.onStarted(relay);
      relay.start();
    },
    record: surroundings.record,
    onError: (error: unknown) => log.error({ err: error }, 'a request failed inside Breakwater'),
    policy,
    clock,
  };
  const handler = createPipeline({
    ...common,
    isTrusted,
    stages: [
      createRouteStage(routes),
      ...(isLimited ? [createDoorStage(limits)] : []),
      ...loginDoor,
      ...admission,
      classifyStage,
      authorizeStage,
      ...(isLimited ? [createLimitStage(limits)] : []),
      ...(config.routes.some(({ split }) => split.length > 0) ? [splitStage] : []),
      ...(access.seal === undefined ? [] : [createBindSessionStage(access.seal, keeper)]),
      credentials,
    ],
  });
  const authz = createAuthzHandler({
    routes,
    jwks: access.jwks,
    ask: createPipeline({
      ...common,
      // Only programs of this machine get there, and they say who their client is.
      isTrusted: (address) => isLoopbackPeer(address) || isTrusted(address),
      stages: [createRouteStage(routes), ...loginDoor, ...admission, credentials, answerQuestionStage],
    }),
  });
  const plain = createPlainHttpHandler({
    hostNames,
    securePort: surroundings.securePort,
    readiness,
    answerChallenge: (token) => certificates.answerChallenge(token),
  });
  const readmit: Stage = (exchange) => {
    const reply = authenticate(exchange);
    return reply instanceof Promise
      ? reply.then((late) => late ?? authorizeStage(exchange))
      : (reply ?? authorizeStage(exchange));
  };
  return {
    ...parts,
    routes,
    routeServers,
    *pools() {
      for (const servers of new Set(routeServers.values())) yield* servers.pools();
      if (loginEnvironment !== undefined) yield loginEnvironment.pool;
    },
    limits,
    isLimited,
    isShared,
    handler,
    plain,
    authz,
    readmit,
    close() {
      for (const servers of routeServers.values()) servers.close();
    },
  };
}

/** Counts go on where the limits stay: a reload is no way to a fresh allowance. */
function isSameLimits(left: Config, right: Config): boolean {
  const { rates, concurrency } = left.limits;
  return (
    isDeepStrictEqual(rates, right.limits.rates) && isDeepStrictEqual(concurrency, right.limits.concurrency)
  );
}

/** Further Host values: those that are listed, and the one in the URL of clients. */
function listHosts({ hosts, publicUrl }: Config): ReadonlySet<string> {
  return new Set(publicUrl === undefined ? hosts : [...hosts, new URL(publicUrl).host]);
}
