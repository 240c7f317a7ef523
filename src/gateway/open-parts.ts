import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { ok, type Result } from '../lib/result.ts';
import type { CertificateEvent } from '../tls/certificate-provider.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';
import { loadCertificates, type Certificates } from '../tls/certificates.ts';
import { openAccess, type Access } from './access/open-access.ts';
import { logCertificateEvent } from './certificate-log.ts';
import { toCertificateSettings } from './certificate-settings.ts';
import { logLoginEvent } from './login-log.ts';
import { openLogs, type Logs, type LogsOptions } from './logs.ts';
import { openRedis } from './open-redis.ts';

/** A configuration, and everything that had to be opened for it. */
export interface OpenedParts {
  readonly config: Config;
  readonly logs: Logs;
  readonly certificates: Certificates;
  readonly access: Access;
  /** What is shared with other replicas, and how; `undefined` where nothing is. */
  readonly redis: RedisConnection | undefined;
  readonly warnings: readonly Diagnostic[];
}

export interface OpenPartsOptions extends LogsOptions {
  readonly clock: Clock;
  /** Makes a key for whoever asked for keys on the command line, where there is none. */
  readonly wantsKey: boolean;
  readonly onOwnerCode: (code: string) => void;
  readonly onCertificate: (event: CertificateEvent) => void;
  /** The log of the time, since certificates and access may outlive the configuration they were opened for; `undefined` before the first. */
  readonly log: () => Logs['log'] | undefined;
}

/**
 * Opens logs, certificates and access for a configuration; of those before, what serves it as well is taken over. Problems come back
 * as diagnostics or are thrown as GatewayError; nothing that was opened here is left open then.
 */
export async function openParts(
  config: Config,
  options: OpenPartsOptions,
  before?: OpenedParts,
): Promise<Result<OpenedParts, readonly Diagnostic[]>> {
  const opened: { close(): Promise<void> | void }[] = [];
  const keep = <T extends { close(): Promise<void> | void }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };
  const closeAll = async (): Promise<void> => {
    for (const thing of opened.toReversed()) await thing.close();
  };
  try {
    // A file is opened anew each time, so that one that was moved away is let go of.
    const logs =
      before !== undefined &&
      config.log.access.kind !== 'file' &&
      isDeepStrictEqual(before.config.log, config.log)
        ? before.logs
        : keep(await openLogs(config, options));
    const log = (): Logs['log'] => options.log() ?? logs.log;
    const redis = await openRedis(
      config,
      {
        clock: options.clock,
        onProblem: (error) => tellStoreProblem(log(), error),
        onRecovered: () => log().info('the state store can be used again'),
      },
      before,
    );
    if (redis !== undefined && redis !== before?.redis) keep(redis);
    const loaded = await openCertificates(config, { ...options, redis, log }, before);
    if (!loaded.ok) {
      await closeAll();
      return loaded;
    }
    const certificates = loaded.value;
    if (certificates !== before?.certificates) keep(certificates);
    const warnings: Diagnostic[] = [];
    const access =
      before !== undefined && hasSameAccess(before.config, config)
        ? before.access
        : keep(await openAccessFor(config, { ...options, redis, log, warnings }));
    const all = [...certificates.warnings, ...warnings];
    return ok({ config, logs, certificates, access, redis, warnings: all });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Closes what the parts that come next have not taken over; access only `later`, when no request can be waiting for it any more. */
export async function closeReplaced(
  before: OpenedParts,
  next: OpenedParts,
  later: (close: () => Promise<void>) => void,
): Promise<void> {
  if (before.access !== next.access) later(() => before.access.close());
  if (before.certificates !== next.certificates) await before.certificates.close();
  if (before.redis !== next.redis) later(async () => before.redis?.close());
  if (before.logs !== next.logs) await before.logs.close();
}

/** Closes all of them, certificates first and the logs last. Rejects with the first error, and leaves open what comes behind it. */
export async function closeParts({ certificates, access, redis, logs }: OpenedParts): Promise<void> {
  await certificates.close();
  await access.close();
  redis?.close();
  await logs.close();
}

type SharedState = Pick<OpenedParts, 'redis'>;

interface CurrentLog {
  readonly log: () => Logs['log'];
}

function tellStoreProblem(log: Logs['log'], error: unknown): void {
  log.error({ err: error }, 'the state store cannot be read; what is known so far counts on');
}

function openCertificates(
  config: Config,
  options: Omit<OpenPartsOptions, 'log'> & CurrentLog & SharedState,
  before: OpenedParts | undefined,
): Promise<Result<Certificates, readonly Diagnostic[]>> {
  const settings = toCertificateSettings(config);
  const isSame =
    before?.redis === options.redis &&
    before !== undefined &&
    isDeepStrictEqual(toCertificateSettings(before.config), settings);
  if (isSame) return Promise.resolve(ok(before.certificates));
  return loadCertificates({
    ...settings,
    redis: options.redis,
    clock: options.clock,
    report(event) {
      logCertificateEvent(options.log(), event);
      options.onCertificate(event);
    },
  });
}

function openAccessFor(
  config: Config,
  options: Omit<OpenPartsOptions, 'log'> & CurrentLog & SharedState & { readonly warnings: Diagnostic[] },
): Promise<Access> {
  const { clock, wantsKey, onOwnerCode, redis, log, warnings } = options;
  return openAccess(config, {
    clock,
    wantsKey,
    onOwnerCode,
    onLogin: (event) => logLoginEvent(log(), event),
    onProblem: (error) => tellStoreProblem(log(), error),
    redis,
    onWarning: (found) => warnings.push(found),
  });
}

/** Whether the same people may do the same, known by the same means: caches stay warm then, and issuers are not asked again. */
function hasSameAccess(left: Config, right: Config): boolean {
  const relevant = ({ routes, state, stateDir, publicUrl, domains, listen }: Config): object => ({
    routes,
    state,
    stateDir,
    publicUrl,
    domains,
    listen,
  });
  // A file with roots may have other contents under the same name.
  const readsFiles = right.routes.some(
    ({ auth }) => auth.kind === 'required' && auth.oauth?.issuers.some(({ ca }) => ca !== undefined) === true,
  );
  return !readsFiles && isDeepStrictEqual(relevant(left), relevant(right));
}
