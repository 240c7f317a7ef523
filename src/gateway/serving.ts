import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { RequestHandler } from '../http/exchange.ts';
import { buildTrustedProxies, isLoopback } from '../http/trusted-proxies.ts';
import type { Clock } from '../lib/clock.ts';
import { createLimits, type Limits } from '../limits/limits.ts';
import type { Log } from '../observe/log.ts';
import type { RecordLog } from '../observe/record-log.ts';
import type { Certificates } from '../tls/certificates.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { UpstreamPools } from '../upstream/pools.ts';
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
import { openServers } from './open-servers.ts';
import { toReadiness, type Readiness } from './readiness.ts';
import type { RelayEnvironment } from './relay-environment.ts';
import { Relay } from './relay.ts';
import type { ResponsePolicy } from './response-fields.ts';
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
}

/** What stays when the configuration changes. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly deadlines: Deadlines;
  readonly pools: UpstreamPools;
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
  readonly pools: ReadonlySet<UpstreamPool>;
  readonly limits: Limits;
  /** Requests over TLS. */
  readonly handler: RequestHandler;
  /** Requests over plain HTTP from outside. */
  readonly plain: RequestHandler;
  /** Questions of other proxies on this machine. */
  readonly authz: RequestHandler;
  /** Asks who calls and whether they may, as of a request that comes now; notes both on the exchange. */
  readonly readmit: Stage;
}

/** Builds the handlers of a configuration. Takes over from the one before what is the same in both; nothing is changed there. */
export function buildServing(
  parts: ServingParts,
  surroundings: Surroundings,
  before: Serving | undefined,
): Serving {
  const { config, certificates, log, access } = parts;
  const { clock, deadlines, random, announced, keeper, isDraining, onSettled } = surroundings;
  const inUse = new Set<UpstreamPool>();
  const openPool = (target: UpstreamTarget): UpstreamPool => {
    const { connect, upstreamIdle } = config.timeouts;
    const pool = surroundings.pools.find({ target, connectTimeout: connect, idleTimeout: upstreamIdle });
    inUse.add(pool);
    return pool;
  };
  const servers = openServers(config.routes, {
    clock,
    deadlines,
    openPool,
    before: before?.routes.routes,
  });
  const routes = createRouteTable(
    config.routes,
    (route) => {
      const own = access.routes.get(route.path);
      const group = servers.get(route.path);
      if (own === undefined || group === undefined)
        throw new TypeError(`the access of ${route.path} was not opened`);
      return { servers: group, access: own };
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
  const limits =
    before !== undefined && isSameLimits(before.config, config)
      ? before.limits
      : createLimits({ rates, concurrency, clock, isShared: surroundings.isShared });
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
    const route = destination.kind === 'mcp' ? destination.route.path : undefined;
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
      isTrusted: (address) => isLoopback(address) || isTrusted(address),
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
  return { ...parts, routes, pools: inUse, limits, handler, plain, authz, readmit };
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
