import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Config, RouteConfig } from '../../src/config/config.ts';
import { toCertificateSettings } from '../../src/gateway/certificate-settings.ts';
import { openAccess, type Access } from '../../src/gateway/access/open-access.ts';
import { openRedis } from '../../src/gateway/open-redis.ts';
import { BoundDoors } from '../../src/gateway/listening/bound-doors.ts';
import { createGateway, type Gateway } from '../../src/gateway/gateway.ts';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import type { RecordLog } from '../../src/observe/record-log.ts';
import { resolveBySystem, type ResolveAddresses } from '../../src/upstream/resolve/system-resolver.ts';
import { loadCertificates } from '../../src/tls/certificates.ts';
import { oneServer } from './routes.ts';

type Changes = { readonly [key in 'limits' | 'timeouts']?: Partial<Config[key]> } & Partial<
  Omit<Config, 'limits' | 'timeouts'>
>;

/** A configuration for tests: loopback, free port, local CA, short drain. */
export function buildTestConfig(
  stateDir: string,
  routes: readonly RouteConfig[],
  changes: Changes = {},
): Config {
  const { limits, timeouts, ...rest } = changes;
  return {
    listen: { host: '127.0.0.1', port: 0 },
    plainHttp: undefined,
    authz: undefined,
    domains: [],
    publicUrl: undefined,
    hosts: [],
    origins: [],
    tls: { files: [], automatic: { kind: 'local-ca' }, policy: 'intermediate', clients: undefined },
    http2: true,
    routes,
    trustedProxies: [],
    proxyProtocol: false,
    limits: {
      headBytes: 16_384,
      headFields: 100,
      urlBytes: 4096,
      bodyBytes: 8 * 1024 * 1024,
      allBodiesBytes: 256 * 1024 * 1024,
      connections: 20_000,
      connectionsPerAddress: 2000,
      http2Streams: 100,
      rates: [],
      concurrency: [],
      ...limits,
    },
    timeouts: {
      handshake: 10_000,
      head: 10_000,
      body: 10_000,
      idle: 75_000,
      stall: 30_000,
      connect: 5000,
      upstreamIdle: 4000,
      heartbeat: 15_000,
      drain: 2000,
      ...timeouts,
    },
    keepAlive: { json: undefined },
    sessions: { revival: true, idleTimeout: 30 * 60_000, live: 10_000, noted: 100_000 },
    log: { level: 'silent', format: 'json', access: { kind: 'off' } },
    workers: 1,
    state: { kind: 'local' },
    stateDir,
    dangerAllowPublic: false,
    ...rest,
  };
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly port: number;
  /** PEM of the authority that clients must trust. */
  readonly ca: string;
  /** Access-log lines so far, parsed. */
  readonly lines: readonly Record<string, unknown>[];
  /** Messages of the gateway's own log. */
  readonly problems: readonly string[];
  readonly stateDir: string;
  /** Serves by another configuration, with the same certificates; access is opened anew. */
  reload(routes: readonly RouteConfig[], changes?: Changes): Promise<void>;
  /** Lets go of the lines and messages so far. */
  forget(): void;
  stop(): Promise<void>;
}

export interface TestGatewayOptions {
  readonly upstreamPort: number;
  readonly upstreamPath?: string;
  readonly path?: string;
  readonly auth?: RouteConfig['auth'];
  readonly rules?: RouteConfig['rules'];
  readonly credentials?: RouteConfig['credentials'];
  readonly changes?: Changes;
  readonly clock?: Clock;
  /** Finds addresses of upstreams. */
  readonly resolve?: ResolveAddresses;
  /** Puts something in the place of what was opened. */
  readonly changeAccess?: (access: Access) => Access;
}

/** Runs a gateway in this process before `127.0.0.1:upstreamPort`. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-'));
  const route: RouteConfig = {
    host: undefined,
    path: options.path ?? '/mcp',
    ...oneServer({
      kind: 'tcp',
      secure: false,
      host: '127.0.0.1',
      port: options.upstreamPort,
      path: options.upstreamPath ?? '/mcp',
    }),
    auth: options.auth ?? { kind: 'none' },
    rules: options.rules,
    credentials: options.credentials ?? { kind: 'none' },
  };
  const config = buildTestConfig(stateDir, [route], options.changes);
  const clock = options.clock ?? systemClock;
  const loaded = await loadCertificates({
    ...toCertificateSettings(config),
    clock,
    report: () => undefined,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const lines: Record<string, unknown>[] = [];
  const problems: string[] = [];
  const accessLog: RecordLog = {
    write: (msg, fields) => void lines.push({ ...JSON.parse(`{${fields}}`), msg }),
  };
  const log = pino({ level: 'warn' }, { write: (line: string) => void problems.push(line) });
  const redis = await openRedis(config, {
    clock,
    onProblem: (error) => void problems.push(String(error)),
    onRecovered: () => undefined,
  });
  const openedAccess: Access[] = [];
  const open = async (wanted: Config): Promise<Access> => {
    const opened = await openAccess(wanted, {
      clock,
      wantsKey: false,
      onOwnerCode: () => undefined,
      onLogin: () => undefined,
      redis,
      onProblem: (error) => void problems.push(String(error)),
      onWarning: ({ message }) => void problems.push(message),
    });
    openedAccess.push(opened);
    return options.changeAccess?.(opened) ?? opened;
  };
  const parts = { certificates: loaded.value, log, accessLog, redis };
  const gateway = await createGateway({
    ...parts,
    config,
    clock,
    doors: new BoundDoors([]),
    random: () => 0.5,
    resolve: options.resolve ?? resolveBySystem,
    access: await open(config),
  });
  return {
    gateway,
    get port() {
      return gateway.address.port;
    },
    ca: await readFile(loaded.value.authorityFile ?? '', 'utf8'),
    lines,
    problems,
    stateDir,
    async reload(routes, changes = options.changes) {
      const next = buildTestConfig(stateDir, routes, changes);
      await gateway.reload({ ...parts, config: next, access: await open(next) });
    },
    forget() {
      lines.length = 0;
      problems.length = 0;
    },
    async stop() {
      await gateway.shutdown();
      await loaded.value.close();
      for (const each of openedAccess) await each.close();
      redis?.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
