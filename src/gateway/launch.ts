import { ensureKey, openKeyStore } from '../auth/key-file.ts';
import { createStoredKeyVerifier, type StoredKeyVerifier } from '../auth/keys/stored-keys.ts';
import type { Principal } from '../auth/principal.ts';
import { withStoredKeys } from '../config/keys.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { createLog, type Log } from '../observe/log.ts';
import { openRecordFile, toRecordLog, type RecordLog } from '../observe/record-log.ts';
import type { CertificateEvent } from '../tls/certificate-provider.ts';
import { loadCertificates } from '../tls/certificates.ts';
import { checkReachability, type Reachability } from '../upstream/reachability.ts';
import { describeRecord, recordFields, RECORD_MESSAGE } from './access-record.ts';
import { logCertificateEvent } from './certificate-log.ts';
import { toCertificateSettings } from './certificate-settings.ts';
import { toAudience, type Audience } from './audience.ts';
import { fitConnections, readDescriptorLimit } from './descriptor-limit.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { buildMemoryReader } from './memory-readings.ts';
import { findOpenDoor } from './open-door.ts';
import { findUnwired } from './unwired.ts';
import { toPublicUrl } from './public-url.ts';

export interface LaunchOptions {
  readonly config: Config;
  /** `--auth` of the command line: `key` loads the stored key or makes one. */
  readonly authRequested: 'key' | 'oauth' | 'none' | undefined;
  readonly clock: Clock;
  /** Told of certificates that come, change, end or fail to come, beside the log. */
  readonly onCertificate?: (event: CertificateEvent) => void;
  /** Whether the log goes to a terminal that shows colours. */
  readonly terminal: { readonly isTty: boolean; readonly colour: boolean };
}

/** A running gateway and what a person wants to know about it. */
export interface LaunchedGateway {
  readonly gateway: Gateway;
  readonly facts: LaunchFacts;
  /** Finishes what runs (see `Gateway.shutdown`), writes out the logs and lets go of files. */
  stop(): Promise<void>;
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
  readonly reachability: Reachability;
}

const REACHABILITY_MILLISECONDS = 2000;

/** Builds everything from a configuration and starts to listen. Problems come back as diagnostics or are thrown as GatewayError. */
export async function launchGateway(
  options: LaunchOptions,
): Promise<Result<LaunchedGateway, readonly Diagnostic[]>> {
  const { clock } = options;
  const asked = options.authRequested === 'key' ? withStoredKeys(options.config) : options.config;
  const { config, warning } = fitConnections(asked, await readDescriptorLimit());
  const audience = toAudience(config.listen.host);
  const openDoor = findOpenDoor(config);
  const unwired = findUnwired(config);
  if (unwired !== undefined) return fail([unwired]);
  if (openDoor !== undefined) return fail([openDoor]);
  const { log, accessLog, close: closeLogs } = openLogs(config, options);
  const loaded = await loadCertificates({
    ...toCertificateSettings(config),
    clock,
    report(event) {
      logCertificateEvent(log, event);
      options.onCertificate?.(event);
    },
  });
  if (!loaded.ok) {
    await closeLogs();
    return fail(loaded.error);
  }
  const certificates = loaded.value;
  let running: Gateway | undefined;
  const keys = await openKeys(config, {
    ...options,
    onProblem: (error) =>
      log.error({ err: error }, 'the stored keys cannot be read; those known so far count on'),
    onEnded: (principal) => running?.turnOut(principal),
  }).catch(async (error: unknown) => {
    await certificates.close();
    await closeLogs();
    throw error;
  });
  const release = async (): Promise<void> => {
    await certificates.close();
    keys?.close();
    await closeLogs();
  };
  const gateway = await startListening(config, () =>
    createGateway({
      config,
      certificates,
      log,
      accessLog,
      clock,
      random: Math.random,
      storedKeys: keys?.verifier,
      readMemory: buildMemoryReader(),
    }),
  ).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  running = gateway;
  certificates.start();
  return ok({
    gateway,
    facts: {
      audience,
      routes: await describeRoutes(config, gateway, clock),
      authorityFile: certificates.authorityFile,
      certificateEnds: certificates.expiry()[0]?.notAfter,
      awaitedCertificates: certificates.missing,
      authorities:
        config.tls.automatic.kind === 'acme' ? config.tls.automatic.issuers.map(({ title }) => title) : [],
      needsClientCertificate: config.tls.clients?.required === true,
      createdKey: keys?.created,
      warnings: [...certificates.warnings, ...(warning === undefined ? [] : [warning])],
    },
    async stop() {
      await gateway.shutdown();
      await release();
    },
  });
}

interface OpenKeys {
  readonly verifier: StoredKeyVerifier;
  /** A key made just now. */
  readonly created: string | undefined;
  close(): void;
}

/** Opens the state store where a route accepts its keys; after `--auth key` there is at least one. */
async function openKeys(
  { routes, stateDir }: Config,
  options: LaunchOptions & {
    readonly onProblem: (error: unknown) => void;
    readonly onEnded: (principal: Principal) => void;
  },
): Promise<OpenKeys | undefined> {
  if (!routes.some(({ auth }) => auth.kind === 'required' && auth.keys?.stored === true)) return undefined;
  const { authRequested, clock, onProblem, onEnded } = options;
  const store = await openKeyStore({ stateDir, clock, onProblem });
  try {
    const created =
      authRequested === 'key' ? (await ensureKey(store, { name: 'default', clock })).created : undefined;
    const verifier = await createStoredKeyVerifier(store, { clock, onEnded, onProblem });
    return {
      verifier,
      created,
      close() {
        verifier.close();
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

function openLogs(
  config: Config,
  { terminal, clock }: Pick<LaunchOptions, 'terminal' | 'clock'>,
): { log: Log; accessLog: RecordLog | undefined; close: () => Promise<void> } {
  const { level, format, access } = config.log;
  const pretty = format === 'pretty' || (format === 'auto' && terminal.isTty);
  const sentences = { message: RECORD_MESSAGE, covers: recordFields, toText: describeRecord };
  const main = createLog({ level, pretty, colour: terminal.colour, sentences });
  const { log } = main;
  const flushLog = async (): Promise<void> => main.flush();
  switch (access.kind) {
    case 'off':
      return { log, accessLog: undefined, close: flushLog };
    case 'stderr':
      return { log, accessLog: toRecordLog(log), close: flushLog };
    case 'file': {
      // Who names a file wants every request in it, however quiet the rest is.
      const onProblem = (error: Error): void =>
        log.error({ err: error }, 'the access log cannot be written; its lines are lost');
      const file = openRecordFile({ path: access.path, clock, onProblem });
      const close = async (): Promise<void> => {
        await file.flush();
        main.flush();
      };
      return { log, accessLog: file, close };
    }
  }
}

/** Says in our words why an address cannot be bound. */
async function startListening(config: Config, start: () => Promise<Gateway>): Promise<Gateway> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : undefined;
    const failedPort = error instanceof Error && 'port' in error ? Number(error.port) : config.listen.port;
    const isPlain = failedPort === config.plainHttp?.port;
    const { host } = (isPlain ? config.plainHttp : undefined) ?? config.listen;
    const address = `${host}:${failedPort}`;
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

function describeRoutes(config: Config, gateway: Gateway, clock: Clock): Promise<RouteFacts[]> {
  return Promise.all(
    config.routes.map(async (route) => ({
      url: toPublicUrl(config, { port: gateway.address.port, path: route.path }),
      route,
      reachability: await checkReachability(route.upstream, { clock, timeout: REACHABILITY_MILLISECONDS }),
    })),
  );
}
