import { withStoredKeys } from '../config/keys.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import { listTargets } from '../config/split.ts';
import { formatAuthority } from '../lib/authority.ts';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { GatewayError, isGatewayError, toProblem } from '../lib/gateway-error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import type { Log } from '../observe/log.ts';
import type { CertificateEvent } from '../tls/certificate-provider.ts';
import { checkReachability, type Reachability } from '../upstream/reachability.ts';
import { resolveBySystem } from '../upstream/resolve/system-resolver.ts';
import type { Announcement } from './announced-paths.ts';
import { toAudience, type Audience } from './audience.ts';
import { fitConnections, readDescriptorLimit } from './descriptor-limit.ts';
import type { Doors } from './listening/doors.ts';
import { withHandedSockets, type HandedSocket } from './listening/handed-sockets.ts';
import type { GatewayStatus } from './control/status.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { LogsOptions } from './logs.ts';
import { buildMemoryReader } from './memory-readings.ts';
import { findOpenDoor } from './open-door.ts';
import { closeParts, closeReplaced, openParts, type OpenedParts } from './open-parts.ts';
import { toPublicUrl } from './public-url.ts';
import type { ServingParts } from './serving.ts';
import { toShareOf } from './workers/share-of.ts';
import type { SharedNews } from './workers/shared-news.ts';

/** A configuration, and what the command line says of it. */
export interface WantedConfig {
  readonly config: Config;
  /** `--auth` of the command line: `key` loads the stored key or makes one. */
  readonly authRequested: 'key' | 'oauth' | 'none' | undefined;
}

export interface LaunchOptions extends WantedConfig, LogsOptions {
  /** Shows a login code to the owner of the gateway, and to nobody else. */
  readonly onOwnerCode?: (code: string) => void;
  /** Told of certificates that come, change, end or fail to come, beside the log. */
  readonly onCertificate?: (event: CertificateEvent) => void;
  /** Tells the other workers; absent where there are none. */
  readonly share?: (news: SharedNews) => void;
  /** Where it listens. */
  readonly doors: Doors;
  /** Sockets that the service manager has opened: their addresses count in the place of the configured ones. */
  readonly handed?: readonly HandedSocket[];
  /** Message endpoints that are known already; see `GatewayOptions`. */
  readonly announced?: readonly Announcement[];
  /** What all workers of this gateway are called together; see `GatewayOptions`. */
  readonly replica?: string;
  /** Whether a key is made for `--auth key` where there is none; so when absent. */
  readonly createsKey?: boolean;
}

/** What a running gateway serves and has open. */
export type RunningDescription = Pick<
  GatewayStatus,
  | 'state'
  | 'urls'
  | 'certificates'
  | 'connections'
  | 'upstreamConnections'
  | 'limits'
  | 'sessions'
  | 'open'
  | 'servers'
  | 'workers'
>;

/** A running gateway and what a person wants to know about it. */
export interface LaunchedGateway {
  readonly facts: LaunchFacts;
  /**
   * Serves by another configuration from now on; see `Gateway.reload`. Problems come back as diagnostics, and the gateway goes on as it
   * was then. One after the other, however many are asked for at once.
   */
  reload(next: WantedConfig): Promise<Result<ReloadFacts, readonly Diagnostic[]>>;
  /** What it serves and has open just now. */
  describe(): Promise<RunningDescription>;
  /** Finishes what runs (see `Gateway.shutdown`), writes out the logs and lets go of files. */
  stop(options?: { readonly lingers: boolean }): Promise<void>;
  /** Has the program on disk take its place, process by process. Problems come back as diagnostics, and nothing has changed then. */
  upgrade(): Promise<Result<undefined, readonly Diagnostic[]>>;
  /** Cuts a running `stop` short. */
  hasten(): void;
}

/** One process of a gateway, which cannot take its own place. */
export interface LaunchedWorker extends Omit<LaunchedGateway, 'upgrade'> {
  readonly gateway: Gateway;
}

export interface ReloadFacts {
  readonly warnings: readonly Diagnostic[];
  /** Public URLs of the routes. */
  readonly urls: readonly string[];
}

export interface LaunchFacts {
  readonly audience: Audience;
  readonly routes: readonly RouteFacts[];
  /** Certificate of the local authority that clients have to trust; `undefined` with certificate files. */
  readonly authorityFile: string | undefined;
  /** When the first certificate ends, in milliseconds since the epoch; `undefined` while there is none. */
  readonly certificateEnds: number | undefined;
  /** Certificate authorities that are asked over ACME, in this order. */
  readonly authorities: readonly string[];
  /** Names for which a certificate is being obtained just now. */
  readonly awaitedCertificates: readonly string[];
  /** Whether a connection needs a certificate of the client, whatever the route says. */
  readonly needsClientCertificate: boolean;
  /** A key made just now; shown once. */
  readonly createdKey: string | undefined;
  readonly warnings: readonly Diagnostic[];
}

export interface RouteFacts {
  readonly url: string;
  readonly route: RouteConfig;
  /** Of each of its servers, in their order: those of `split` behind its own; see `listTargets`. */
  readonly reachability: readonly Reachability[];
}

const REACHABILITY_MILLISECONDS = 2000;

/** Longer than any stage waits for an issuer or a store: what was opened for the configuration before is closed then. */
const STAGE_MILLISECONDS = 30_000;

/** Builds everything from a configuration and starts to listen. Problems come back as diagnostics or are thrown as GatewayError. */
export async function launchGateway(
  options: LaunchOptions,
): Promise<Result<LaunchedWorker, readonly Diagnostic[]>> {
  const { clock, share, handed = [] } = options;
  const wanted = await settle(options, handed);
  if (!wanted.ok) return wanted;
  const { config, warnings } = wanted.value;
  // What outlives a configuration logs where the one of the time says.
  let currentLog = (): Log | undefined => undefined;
  const open = (
    next: Config,
    { wantsKey, before }: { readonly wantsKey: boolean; readonly before?: OpenedParts },
  ): ReturnType<typeof openParts> =>
    openParts(
      next,
      {
        clock,
        terminal: options.terminal,
        wantsKey,
        onOwnerCode: (code) => options.onOwnerCode?.(code),
        onCertificate: (event) => options.onCertificate?.(event),
        log: () => currentLog(),
      },
      before,
    );
  const opened = await open(config, {
    wantsKey: options.authRequested === 'key' && options.createsKey !== false,
  });
  if (!opened.ok) return opened;
  let parts = opened.value;
  currentLog = () => parts.logs.log;
  const { access } = parts;
  const gateway = await explainListening(config, () =>
    createGateway({
      ...toServingParts(parts),
      clock,
      doors: options.doors,
      random: Math.random,
      resolve: resolveBySystem,
      readMemory: buildMemoryReader(),
      ...(share === undefined ? {} : { share }),
      replica: options.replica,
      announced: options.announced,
    }),
  ).catch(async (error: unknown) => {
    await closeParts(parts);
    throw error;
  });
  parts.certificates.start();

  const replaced = new Set<() => Promise<void>>();
  const closeLater = (close: () => Promise<void>): void => {
    replaced.add(close);
    clock.setTimeout(() => {
      if (replaced.delete(close)) void close();
    }, STAGE_MILLISECONDS);
  };
  const reload = async (next: WantedConfig): Promise<Result<ReloadFacts, readonly Diagnostic[]>> => {
    const settled = await settle(next, handed);
    if (!settled.ok) return settled;
    const refusal = findUnchangeable(parts.config, settled.value.config);
    if (refusal !== undefined) return fail([refusal]);
    const before = parts;
    const reopened = await open(settled.value.config, { wantsKey: false, before });
    if (!reopened.ok) return reopened;
    const after = reopened.value;
    try {
      await explainListening(after.config, () => gateway.reload(toServingParts(after)));
    } catch (error) {
      await closeReplaced(after, before, (close) => void close());
      throw error;
    }
    parts = after;
    await closeReplaced(before, after, closeLater);
    if (before.certificates === after.certificates) await after.certificates.refresh();
    else after.certificates.start();
    return ok({
      warnings: [...after.warnings, ...settled.value.warnings],
      urls: listUrls(after.config, gateway),
    });
  };
  const changes = new SerialQueue();
  let isStopping = false;
  return ok({
    gateway,
    facts: {
      audience: toAudience(config.listen.host),
      routes: await describeRoutes(config, gateway, clock),
      authorityFile: parts.certificates.authorityFile,
      certificateEnds: parts.certificates.expiry()[0]?.notAfter,
      awaitedCertificates: parts.certificates.missing,
      authorities:
        config.tls.automatic.kind === 'acme' ? config.tls.automatic.issuers.map(({ title }) => title) : [],
      needsClientCertificate: config.tls.clients?.required === true,
      createdKey: access.createdKey,
      warnings: [...parts.warnings, ...warnings],
    },
    reload: (next) => changes.run(() => reload(next).catch(toProblems)),
    describe: async () => ({
      state: isStopping || gateway.isDraining ? 'draining' : 'running',
      urls: listUrls(parts.config, gateway),
      certificates: parts.certificates
        .expiry()
        .map(({ names, notAfter }) => ({ names, notAfter: new Date(notAfter).toISOString() })),
      connections: gateway.load.connections,
      upstreamConnections: gateway.load.upstreamConnections,
      limits: gateway.limitReach,
      sessions: gateway.sessions,
      open: gateway.openWork,
      servers: gateway.servers,
      workers: [],
    }),
    async stop(how) {
      // A change that runs is waited for, and who asks meanwhile is told already.
      isStopping = true;
      await changes.settle();
      await gateway.shutdown(how);
      await Promise.all([...replaced].map((close) => close()));
      replaced.clear();
      await closeParts(parts);
    },
    hasten: () => gateway.hasten(),
  });
}

/** The configuration as this machine can have it, unless it leaves a door open to everyone. */
async function settle(
  wanted: WantedConfig,
  handed: readonly HandedSocket[],
): Promise<
  Result<{ readonly config: Config; readonly warnings: readonly Diagnostic[] }, readonly Diagnostic[]>
> {
  const listening = withHandedSockets(wanted.config, handed);
  if (!listening.ok) return listening;
  const asked = wanted.authRequested === 'key' ? withStoredKeys(listening.value) : listening.value;
  const limit = await readDescriptorLimit();
  // Each worker may open as many.
  const { config, warning } = fitConnections(asked, limit === undefined ? undefined : limit * asked.workers);
  const openDoor = findOpenDoor(config);
  if (openDoor !== undefined) return fail([openDoor]);
  return ok({ config, warnings: warning === undefined ? [] : [warning] });
}

function toServingParts({ config, logs, certificates, access, redis }: OpenedParts): ServingParts {
  return {
    config: toShareOf(config),
    certificates,
    access,
    redis,
    log: logs.log,
    accessLog: logs.accessLog,
  };
}

/** What of a configuration cannot take the place of another while the gateway runs. */
export function findUnchangeable(before: Config, next: Config): Diagnostic | undefined {
  if (before.stateDir === next.stateDir) return undefined;
  return {
    severity: 'error',
    code: 'E_RELOAD_REFUSED',
    message: `\`state_dir\` cannot become \`${next.stateDir}\` while the gateway runs`,
  };
}

function toProblems(error: unknown): Result<never, readonly Diagnostic[]> {
  if (!isGatewayError(error)) throw error;
  return fail([toProblem(error)]);
}

/** Says in our words why an address cannot be bound. */
async function explainListening<T>(config: Config, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : undefined;
    const failedPort = error instanceof Error && 'port' in error ? Number(error.port) : config.listen.port;
    const isPlain = failedPort === config.plainHttp?.port;
    const { host } =
      [config.authz, config.plainHttp].find((own) => own?.port === failedPort) ?? config.listen;
    const address = formatAuthority(host, failedPort);
    const options = {
      cause: error,
      ...(isPlain ? { hint: 'set `plain_http: false` to do without the plain HTTP port' } : {}),
    };
    switch (reason) {
      case 'EADDRINUSE':
        throw new GatewayError('E_LISTEN_IN_USE', `${address} is in use`, options);
      case 'EACCES':
        throw new GatewayError('E_LISTEN_DENIED', `not permitted to listen on ${address}`, options);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new GatewayError('E_LISTEN_ADDRESS', `${address} is not an address of this machine`, options);
      default:
        throw error;
    }
  }
}

function listUrls(config: Config, gateway: Gateway): readonly string[] {
  return config.routes.map((route) => toPublicUrl(config, { ...route, port: gateway.address.port }));
}

function describeRoutes(config: Config, gateway: Gateway, clock: Clock): Promise<RouteFacts[]> {
  return Promise.all(
    config.routes.map(async (route) => ({
      url: toPublicUrl(config, { ...route, port: gateway.address.port }),
      route,
      reachability: await Promise.all(
        listTargets(route).map((target) =>
          checkReachability(target, { clock, timeout: REACHABILITY_MILLISECONDS }),
        ),
      ),
    })),
  );
}
