import { loadOrCreateKeys } from '../auth/key-file.ts';
import { withKeys } from '../config/keys.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import { toHostOnly } from '../http/grammar.ts';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { createLog, type Log } from '../observe/log.ts';
import { openRecordFile, toRecordLog, type RecordLog } from '../observe/record-log.ts';
import { loadCertificates } from '../tls/certificates.ts';
import { isLocalName } from '../tls/local-ca/local-names.ts';
import { checkReachability, type Reachability } from '../upstream/reachability.ts';
import { isWildcard, listMachineAddresses } from './host-names.ts';
import { describeRecord, recordFields, RECORD_MESSAGE } from './access-record.ts';
import { toAudience, type Audience } from './audience.ts';
import { fitConnections, readDescriptorLimit } from './descriptor-limit.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { buildMemoryReader } from './memory-readings.ts';
import { findOpenDoor } from './open-door.ts';
import { toPublicUrl } from './public-url.ts';

export interface LaunchOptions {
  readonly config: Config;
  /** `--auth` of the command line: `key` loads the stored key or makes one. */
  readonly authRequested: 'key' | 'none' | undefined;
  readonly clock: Clock;
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
  /** When the certificate ends, in milliseconds since the epoch. */
  readonly certificateEnds: number | undefined;
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
  const { config: asked, createdKey } = await addKeys(options);
  const { config, warning } = fitConnections(asked, await readDescriptorLimit());
  const audience = toAudience(config.listen.host);
  const openDoor = findOpenDoor(config);
  if (openDoor !== undefined) return fail([openDoor]);
  const { log, accessLog, close: closeLogs } = openLogs(config, options);
  const loaded = await loadCertificates({
    tls: config.tls,
    domains: toCertificateNames(config),
    stateDir: config.stateDir,
    clock,
    report(event) {
      if (event.kind === 'replaced') log.info({ certificate: event.facts }, 'serving a new certificate');
      else if (event.kind === 'warning') log.warn({ code: event.warning.code }, event.warning.message);
      else
        for (const { code, message } of event.errors)
          log.error({ code }, `${message}; the old certificate serves on`);
    },
  });
  if (!loaded.ok) {
    await closeLogs();
    return fail(loaded.error);
  }
  const certificates = loaded.value;
  const release = async (): Promise<void> => {
    certificates.close();
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
      readMemory: buildMemoryReader(),
    }),
  ).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  return ok({
    gateway,
    facts: {
      audience,
      routes: await describeRoutes(config, gateway, clock),
      authorityFile: certificates.authorityFile,
      certificateEnds: certificates.expiry()[0]?.notAfter,
      createdKey,
      warnings: [...certificates.warnings, ...(warning === undefined ? [] : [warning])],
    },
    async stop() {
      await gateway.shutdown();
      await release();
    },
  });
}

/**
 * The names a certificate has to cover: the domains and, where the local authority signs, the listen address and the names
 * in `hosts` as well, so that clients of the local network are served too. Those of them that it may not sign for are left
 * out; they can be the names of a proxy in front, which answers to them with a certificate of its own.
 */
export function toCertificateNames(
  config: Pick<Config, 'tls' | 'domains' | 'listen' | 'hosts'>,
): readonly string[] {
  if (config.tls.kind === 'files') return config.domains;
  const hosts = config.hosts.map((host) => toHostOnly(host).replaceAll(/[[\]]/g, ''));
  const { host } = config.listen;
  // The URL that is shown for a wildcard names one of the machine's addresses, so the certificate has to as well.
  const own = isWildcard(host) && config.domains.length === 0 ? listMachineAddresses() : [host];
  return [...config.domains, ...[...own, ...hosts].filter(isLocalName)];
}

async function addKeys(options: LaunchOptions): Promise<{ config: Config; createdKey: string | undefined }> {
  if (options.authRequested !== 'key') return { config: options.config, createdKey: undefined };
  const { keys, created } = await loadOrCreateKeys(options.config.stateDir, 'default');
  return { config: withKeys(options.config, keys), createdKey: created };
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
