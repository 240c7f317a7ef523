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
import { openAccess } from './access/open-access.ts';
import { describeRecord, recordFields, RECORD_MESSAGE } from './access-record.ts';
import { logCertificateEvent } from './certificate-log.ts';
import { logLoginEvent } from './login-log.ts';
import { toCertificateSettings } from './certificate-settings.ts';
import { toAudience, type Audience } from './audience.ts';
import { fitConnections, readDescriptorLimit } from './descriptor-limit.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { buildMemoryReader } from './memory-readings.ts';
import { findOpenDoor } from './open-door.ts';
import { toPublicUrl } from './public-url.ts';

export interface LaunchOptions {
  readonly config: Config;
  /** `--auth` of the command line: `key` loads the stored key or makes one. */
  readonly authRequested: 'key' | 'oauth' | 'none' | undefined;
  readonly clock: Clock;
  /** Shows a login code to the owner of the gateway, and to nobody else. */
  readonly onOwnerCode?: (code: string) => void;
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
  const accessWarnings: Diagnostic[] = [];
  const access = await openAccess(config, {
    clock,
    wantsKey: options.authRequested === 'key',
    onOwnerCode: (code) => options.onOwnerCode?.(code),
    onLogin: (event) => logLoginEvent(log, event),
    onProblem: (error) =>
      log.error({ err: error }, 'the state store cannot be read; what is known so far counts on'),
    onWarning: (found) => accessWarnings.push(found),
  }).catch(async (error: unknown) => {
    await certificates.close();
    await closeLogs();
    throw error;
  });
  const release = async (): Promise<void> => {
    await certificates.close();
    await access.close();
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
      access,
      readMemory: buildMemoryReader(),
    }),
  ).catch(async (error: unknown) => {
    await release();
    throw error;
  });
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
      createdKey: access.createdKey,
      warnings: [...certificates.warnings, ...accessWarnings, ...(warning === undefined ? [] : [warning])],
    },
    async stop() {
      await gateway.shutdown();
      await release();
    },
  });
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
