import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Deadlines } from '../http/deadlines.ts';
import type { ListenerSettings } from '../http/listener.ts';
import { PeerWatch } from '../http/peer-watch.ts';
import { readUnansweredConnections } from '../http/tcp-table-reader.ts';
import type { Clock } from '../lib/clock.ts';
import { pause } from '../lib/pause.ts';
import { SwapSet } from '../lib/swap-set.ts';
import { HealthChecks } from '../upstream/health/health-checks.ts';
import { UpstreamPools } from '../upstream/pools.ts';
import { NameWatches } from '../upstream/resolve/name-watches.ts';
import type { ResolveAddresses } from '../upstream/resolve/system-resolver.ts';
import { formatRecord, formatRefusal, RECORD_MESSAGE, REFUSAL_MESSAGE } from './access-record.ts';
import { AnnouncedPaths, type Announcement } from './announced-paths.ts';
import { listServers, type ServerStatus } from './control/server-status.ts';
import { summariseOpenWork, type OpenWork } from './control/status.ts';
import type { Exchange } from './exchange.ts';
import type { Doors } from './listening/doors.ts';
import { toDoorSettings, type DoorHandlers } from './listening/listener-settings.ts';
import { LimitSharing, type LimitReach } from './limit-sharing.ts';
import { Listeners } from './listening/listeners.ts';
import type { LoginRelay } from './login-relay.ts';
import { MemoryGuard, type MemoryReading } from './memory-guard.ts';
import type { Relay } from './relay.ts';
import { logHealth, logName } from './server-log.ts';
import { buildServing, type Serving, type ServingParts, type Surroundings } from './serving.ts';
import { SessionKeeper, type SessionFigures, type SessionServing } from './sessions/session-keeper.ts';
import type { SharedNews } from './workers/shared-news.ts';
import { CallerWatch } from './watch-callers.ts';
import { SilenceWatch } from './watch-silence.ts';

export interface GatewayOptions extends ServingParts {
  readonly clock: Clock;
  readonly random: () => number;
  /** Finds the addresses of upstreams whose names have many. */
  readonly resolve: ResolveAddresses;
  /** Tells the other workers; absent where there are none. */
  readonly share?: (news: SharedNews) => void;
  /** Where it listens. */
  readonly doors: Doors;
  /** Message endpoints that servers announced to other workers before. */
  readonly announced?: readonly Announcement[] | undefined;
  /** Sixteen hexadecimal digits that all workers of this gateway have in common; random where there is one. */
  readonly replica?: string | undefined;
  /** What is left of memory; nothing is refused for want of it when absent. */
  readonly readMemory?: () => readonly MemoryReading[];
}

export interface Gateway {
  /** The address the TLS listener is bound to; its port is the real one where 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number };
  /** Where other proxies ask; `undefined` when off. */
  readonly authzAddress: { readonly host: string; readonly port: number } | undefined;
  /** Open client connections and exchanges under way. */
  readonly load: {
    readonly connections: number;
    readonly exchanges: number;
    readonly upstreamConnections: number;
  };
  readonly sessions: SessionFigures;
  readonly isDraining: boolean;
  readonly limitReach: LimitReach;
  /** Message endpoints that servers have announced. */
  readonly announced: readonly Announcement[];
  /** What is open just now, and of which kind. */
  readonly openWork: readonly OpenWork[];
  /** The MCP servers behind the routes, as they stand just now. */
  readonly servers: readonly ServerStatus[];
  /**
   * Serves by another configuration from now on: new requests at once, on open connections too. What runs goes on as it began, except
   * for callers who may no longer come in, and streams of routes that are gone, which end by their era's rule. Rejects with the system's
   * error when a new address cannot be bound, and has changed nothing then. What was opened for the configuration before has to stay
   * open for as long as a stage may wait.
   */
  reload(next: ServingParts): Promise<void>;
  /** Takes up what another worker has told. */
  hear(from: number, news: SharedNews): void;
  /** Another worker is no more. */
  forget(worker: number): void;
  /**
   * Stops accepting, finishes calls within the drain time, ends streams by their era's rule. `lingers`: idle connections are not closed
   * before their next answer, for a gateway that another one takes the place of. Idempotent.
   */
  shutdown(options?: { readonly lingers: boolean }): Promise<void>;
  /** Cuts a running shutdown short: what still runs gets an error and ends. */
  hasten(): void;
}

const READ_BUFFER_BYTES = 64 * 1024;
const CHECK_BUFFER_BYTES = 16 * 1024;
/** How long answers given at the very end may take to leave. */
const LAST_FLUSH_MILLISECONDS = 1000;

/**
 * The composition root: builds everything from the configuration and starts listening. Rejects with the
 * system's error when an address cannot be bound; nothing is left open then.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, share } = options;
  const deadlines = new Deadlines(clock);
  const peers: PeerWatch = new PeerWatch({
    deadlines,
    timeout: () => serving.config.timeouts.stall,
    read: readUnansweredConnections,
  });
  const pools = new UpstreamPools({
    clock,
    deadlines,
    readBuffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
  });
  const { random } = options;
  const checks = new HealthChecks({
    clock,
    random,
    readBuffer: Buffer.allocUnsafeSlow(CHECK_BUFFER_BYTES),
    onChange: (server, health) => logHealth(serving.log, server, health),
  });
  const names = new NameWatches({
    clock,
    random,
    resolve: options.resolve,
    onTrouble: (host, reason) => logName(serving.log, host, reason),
  });
  /** The one that serves, and during a reload the next one. */
  const servings = new Set<Serving>();
  const keepPools = (): void => pools.keep(new Set([...servings].flatMap((each) => [...each.pools()])));
  const listeners = new Listeners({ deadlines, peers, doors: options.doors });
  peers.watch(() => pools.sockets());
  peers.watch(() => listeners.sockets());
  const relays = new SwapSet<Relay | LoginRelay>();
  let draining = false;
  const record = (exchange: Exchange): void => {
    exchange.leave?.();
    serving.accessLog?.write(RECORD_MESSAGE, formatRecord(exchange, clock.monotonic()));
  };
  const keeper: SessionKeeper = new SessionKeeper({
    clock,
    deadlines,
    serving: () => sessionServing,
    share: (news) => share?.({ kind: 'sessions', news }),
  });
  const surroundings: Surroundings = {
    clock,
    random,
    deadlines,
    pools,
    checks,
    watchName: (host) => names.hold(host),
    onServersChanged: keepPools,
    announced: new AnnouncedPaths((announcement) => share?.({ kind: 'announced', ...announcement })),
    isShared: share !== undefined,
    keeper,
    memory: new MemoryGuard(options.readMemory ?? (() => [])),
    isDraining: () => draining,
    securePort: () => toAddress(listeners).port,
    onStarted: (relay) => relays.add(relay),
    onSettled(relay) {
      relays.delete(relay);
      record(relay.exchange);
    },
    record,
  };
  for (const announcement of options.announced ?? []) surroundings.announced.hear(announcement);
  let serving: Serving = buildServing(options, surroundings, undefined);
  servings.add(serving);
  let sessionServing = toSessionServing(serving);
  let tls = toTlsSettings(options);
  const callers = new CallerWatch({ clock, relays, serving: () => serving });
  const silence = new SilenceWatch({ deadlines, relays, after: () => serving.config.keepAlive.json });

  // Connections outlive configurations, and each of their requests is served by the one of its time.
  const handlers: DoorHandlers = {
    secure: (request, sink) => serving.handler(request, sink),
    plain: (request, sink) => serving.plain(request, sink),
    authz: (request, sink) => serving.authz(request, sink),
    onRefused: (refusal) => serving.accessLog?.write(REFUSAL_MESSAGE, formatRefusal(refusal)),
  };
  const change = await listeners
    .prepare(toDoorSettings(options.config, tls, handlers))
    .catch((error: unknown) => {
      callers.close();
      silence.close();
      serving.close();
      throw error;
    });
  change();
  keepPools();

  const finish = (): void => {
    for (const relay of relays.snapshot()) relay.giveUp();
  };
  const sharing = new LimitSharing({
    clock,
    replica: options.replica ?? randomBytes(8).toString('hex'),
    log: () => serving.log,
    limits: () => (serving.isLimited ? serving.limits : undefined),
    share: share && ((news) => share({ kind: 'limits', news })),
  });
  sharing.follow(options.redis);
  const close = (): void => {
    sharing.close();
    callers.close();
    silence.close();
    serving.close();
    keeper.close();
    listeners.destroy();
    pools.close();
  };
  let closing: Promise<void> | undefined;
  const shutdown = async (how: { readonly lingers: boolean }): Promise<void> => {
    draining = true;
    const drained = listeners.drain(how);
    for (const relay of relays.snapshot()) if (relay.kind === 'mcp' && relay.longLived) relay.leave();
    try {
      await Promise.race([drained, pause(clock, serving.config.timeouts.drain)]);
      finish();
      await Promise.race([drained, pause(clock, LAST_FLUSH_MILLISECONDS)]);
    } finally {
      close();
    }
  };
  return {
    get address() {
      return toAddress(listeners);
    },
    get authzAddress() {
      return listeners.addressOf('authz');
    },
    get load() {
      return {
        connections: listeners.connections,
        exchanges: relays.size,
        upstreamConnections: pools.size,
      };
    },
    get sessions() {
      return keeper.figures;
    },
    get isDraining() {
      return draining;
    },
    get limitReach() {
      return sharing.reach;
    },
    get announced() {
      return surroundings.announced.list();
    },
    get openWork() {
      const open = relays.snapshot().map(({ exchange }) => exchange);
      return summariseOpenWork(open, clock.monotonic());
    },
    get servers() {
      return listServers(serving.routes.routes, clock);
    },
    async reload(next) {
      const before = serving;
      const built = buildServing(next, surroundings, before);
      servings.add(built);
      const nextTls = isSameTls(before, built) ? tls : toTlsSettings(next);
      const move = await listeners
        .prepare(toDoorSettings(next.config, nextTls, handlers))
        .catch((error: unknown) => {
          servings.delete(built);
          built.close();
          throw error;
        });
      serving = built;
      servings.delete(before);
      before.close();
      sessionServing = toSessionServing(built);
      tls = nextTls;
      sharing.follow(next.redis);
      move();
      keepPools();
      // Who may come in by a certificate is settled in the handshake.
      if (!isDeepStrictEqual(before.config.tls.clients, next.config.tls.clients))
        listeners.renewConnections();
      callers.lookAgain(before);
      silence.update();
    },
    hear(from, news) {
      switch (news.kind) {
        case 'limits':
          serving.limits.hear(from, news.news);
          return;
        case 'announced':
          surroundings.announced.hear(news);
          return;
        case 'sessions':
          keeper.hear(news.news);
      }
    },
    forget: (worker) => serving.limits.forget(worker),
    shutdown: (wanted = { lingers: false }) => (closing ??= shutdown(wanted)),
    hasten() {
      finish();
      clock.setTimeout(close, LAST_FLUSH_MILLISECONDS);
    },
  };
}

function toSessionServing({ config, access, log, routes }: Serving): SessionServing {
  return {
    config,
    log,
    seal: access.seal,
    store: access.sessionStore,
    findRoute: (id) => routes.routes.find((route) => route.id === id),
  };
}

function toTlsSettings({
  certificates,
  config,
}: ServingParts): Pick<ListenerSettings, 'tls' | 'onSecureServer'> {
  return {
    tls: certificates.createTlsOptions({ http2: config.http2, handshakeTimeout: config.timeouts.handshake }),
    onSecureServer: (server) => certificates.attach(server),
  };
}

/** Whether the TLS server of before serves the new configuration as well. */
function isSameTls(before: ServingParts, next: ServingParts): boolean {
  return (
    before.certificates === next.certificates &&
    before.config.http2 === next.config.http2 &&
    before.config.timeouts.handshake === next.config.timeouts.handshake
  );
}

/** The secure door is open as long as there is a gateway. */
function toAddress(listeners: Listeners): { readonly host: string; readonly port: number } {
  const address = listeners.addressOf('secure');
  if (address === undefined) throw new TypeError('the gateway does not listen yet');
  return address;
}
