import type { Server, TlsOptions } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';
import type { AcmeProvider, AcmeSettings } from './acme-provider.ts';
import type { CertificateEvent, CertificateProvider, ServedCertificate } from './certificate-provider.ts';
import { createFileSource, createLocalSource, toDiagnostic } from './certificate-source.ts';
import {
  openClientAuthorities,
  type ClientAuthoritySettings,
  type ClientAuthorityWatch,
} from './client-authority-watch.ts';
import { createExpiryWatch } from './expiry-watch.ts';
import { listFiles, type CertificatePaths } from './files/certificate-files.ts';
import { createFileWatcher } from './files/file-watcher.ts';
import { CertificateStore, type Materials, type ServerTlsOptions } from './handshake/certificate-store.ts';
import type { ClientCertificates } from './handshake/client-certificates.ts';
import type { TlsPolicy } from './handshake/policy.ts';
import { createTicketKeys } from './handshake/ticket-keys.ts';
import { loadLocalAuthority } from './local-ca/local-ca.ts';
import { isNameAmong, type CertificateFacts } from './tls-material.ts';
import { hasClientBundle } from './trust/client-bundle.ts';
import { openWatchedSource, type WatchedSource } from './watched-source.ts';

export interface CertificatesOptions {
  /** Certificate files of the user, the preferred pair first. Paths are absolute. */
  readonly files: readonly CertificatePaths[];
  /** Who signs for names that no file covers. */
  readonly automatic:
    | { readonly kind: 'none' }
    | { readonly kind: 'local-ca' }
    | ({ readonly kind: 'acme' } & AcmeSettings);
  /** `intermediate` when absent. */
  readonly policy?: TlsPolicy;
  /** Asks clients for certificates. */
  readonly clients?: ClientAuthoritySettings | undefined;
  /** Public names and addresses that clients use, lower case. `localhost` and loopback are always part of a local certificate. */
  readonly domains: readonly string[];
  /** Absolute path; the local authority lives in `local-ca` below it. */
  readonly stateDir: string;
  /** Where replicas without a common directory share what they obtain over ACME. */
  readonly redis?: RedisConnection | undefined;
  readonly clock: Clock;
  readonly report: (event: CertificateEvent) => void;
  /**
   * What a client gets that asks for another name. When absent: `refuse` where domains are given and the local authority does not
   * sign, else `default`.
   */
  readonly unknownName?: 'default' | 'refuse';
}

/** A certificate in service. */
interface CertificateExpiry extends CertificateFacts {
  /** Wall-clock milliseconds from which on Breakwater replaces it by itself; undefined for files. */
  readonly renewsAt: number | undefined;
}

export interface Certificates {
  /** What was found wrong at the start, without being an obstacle. */
  readonly warnings: readonly Diagnostic[];
  /** Absolute path of the local authority's certificate, which clients must trust; undefined where it does not sign. */
  readonly authorityFile: string | undefined;
  /** Names for which a first certificate is still being obtained. */
  readonly missing: readonly string[];
  createTlsOptions(options: ServerTlsOptions): TlsOptions;
  /** Every server made from `createTlsOptions` must be attached, to follow new certificates and ticket keys. */
  attach(server: Server): void;
  /** Begins to obtain what is missing or due; to be called once the servers listen, since authorities come to ask. */
  start(): void;
  expiry(): readonly CertificateExpiry[];
  /** True for a name that one of the certificates in service is for. */
  covers(name: string): boolean;
  /** What a validator that fetches `/.well-known/acme-challenge/TOKEN` is to be answered (RFC 8555 section 8.3). */
  answerChallenge(token: string): string | undefined;
  /** Looks at every source now and takes up what is new; also happens by itself. */
  refresh(): Promise<void>;
  /** Stops watching and renewing, at once; resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

const renewalCheck = 60_000;

/** Loads the certificates, keeps them fresh, and serves them; the one thing of this room that the composition root builds. */
export async function loadCertificates(
  options: CertificatesOptions,
): Promise<Result<Certificates, readonly Diagnostic[]>> {
  const { clock, report } = options;
  const providers: CertificateProvider[] = [];
  const served = (): readonly ServedCertificate[] => providers.flatMap((provider) => provider.served());
  const materials = (): Materials => served().map(({ material }) => material);
  let serving: CertificateStore | undefined;
  const onChange = (): void => serving?.replace(materials());

  const opened = await openSources({ ...options, onChange });
  if (!opened.ok) return opened;
  const { sources, authorityFile } = opened.value;
  providers.push(...sources);
  const acme = await openAcme({
    ...options,
    onChange,
    isCovered: (name) => materials().some(({ facts }) => isNameAmong(facts.names, name)),
  });
  if (acme !== undefined) providers.push(acme);

  const clients = await openClients({ ...options, onClients: (changed) => serving?.replaceClients(changed) });
  if (!clients.ok) {
    await Promise.all(providers.map((provider) => provider.close()));
    return clients;
  }
  const ticketKeys = createTicketKeys({
    ...options,
    report: (warning) => report({ kind: 'warning', warning }),
    onRotate: (keys) => serving?.rotateTicketKeys(keys),
  });

  const isStrict = options.automatic.kind !== 'local-ca' && options.domains.length > 0;
  const store = new CertificateStore({
    materials: materials(),
    domains: acme === undefined ? options.domains : [],
    unknownName: options.unknownName ?? (isStrict || acme !== undefined ? 'refuse' : 'default'),
    ...(acme?.obtain === undefined ? {} : { onUnknownName: acme.obtain }),
    ...(acme === undefined ? {} : { challenges: acme.challenges }),
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    clients: clients.value?.clients,
    ticketKeys: ticketKeys.current,
  });
  serving = store;
  const followers = [ticketKeys, ...(clients.value === undefined ? [] : [clients.value])];
  const expiryWatch = createExpiryWatch({ clock, served, report });

  return ok({
    warnings: [...sources, ...(clients.value === undefined ? [] : [clients.value])].flatMap(
      ({ warnings }) => warnings,
    ),
    authorityFile,
    get missing() {
      return acme?.missing() ?? [];
    },
    createTlsOptions: (settings) => store.createTlsOptions(settings),
    attach(server) {
      store.attach(server);
      void ticketKeys.share();
    },
    start() {
      acme?.start();
      if (authorityFile !== undefined) void refreshBundle({ ...options, authorityFile });
    },
    expiry: () => served().map(({ material, renewsAt }) => ({ ...material.facts, renewsAt })),
    covers: (name) => materials().some(({ facts }) => isNameAmong(facts.names, name)),
    answerChallenge: (token) => acme?.answerChallenge(token),
    async refresh() {
      await Promise.all([...providers, ...followers].map((each) => each.refresh()));
    },
    async close() {
      expiryWatch.close();
      await Promise.all([...providers, ...followers].map((each) => each.close()));
    },
  });
}

async function openClients(
  options: CertificatesOptions & { readonly onClients: (clients: ClientCertificates) => void },
): Promise<Result<ClientAuthorityWatch | undefined, readonly Diagnostic[]>> {
  const { clients: settings, clock, report, onClients } = options;
  return settings === undefined
    ? ok(undefined)
    : openClientAuthorities({ settings, clock, report, onChange: onClients });
}

/** Programs that were pointed to the bundle get the public roots of today with it. What makes it is loaded only where there is one. */
async function refreshBundle(
  options: CertificatesOptions & { readonly authorityFile: string },
): Promise<void> {
  const { authorityFile, report, stateDir } = options;
  try {
    if (!(await hasClientBundle({ file: authorityFile }))) return;
    const { refreshClientBundle } = await import('./trust/trust.ts');
    await refreshClientBundle(stateDir);
  } catch (error) {
    report({ kind: 'warning', warning: { ...toDiagnostic(error), severity: 'warning' } });
  }
}

interface OpenedSources {
  readonly sources: readonly WatchedSource[];
  readonly authorityFile: string | undefined;
}

async function openSources(
  options: CertificatesOptions & { readonly onChange: () => void },
): Promise<Result<OpenedSources, readonly Diagnostic[]>> {
  const { files, automatic } = options;
  const opened = await Promise.all(files.map((paths) => openFiles({ ...options, paths })));
  const local = automatic.kind === 'local-ca' ? await openLocalAuthority(options) : undefined;
  const all = [...opened, ...(local === undefined ? [] : [local.source])];
  const sources = all.flatMap((result) => (result.ok ? [result.value] : []));
  const errors = all.flatMap((result) => (result.ok ? [] : result.error));
  if (errors.length === 0) return ok({ sources, authorityFile: local?.authorityFile });
  await Promise.all(sources.map((source) => source.close()));
  return fail(errors);
}

function openFiles(
  options: CertificatesOptions & { readonly onChange: () => void; readonly paths: CertificatePaths },
): Promise<Result<WatchedSource, readonly Diagnostic[]>> {
  const { clock, paths, automatic, files } = options;
  // With several origins each covers its own names, and none has to cover all.
  const domains = files.length === 1 && automatic.kind === 'none' ? options.domains : [];
  return openWatchedSource({
    ...options,
    source: createFileSource({ ...paths, domains }),
    watch: (onChange) => createFileWatcher({ paths: listFiles(paths), clock, onChange }),
  });
}

async function openLocalAuthority(options: CertificatesOptions & { readonly onChange: () => void }): Promise<{
  readonly source: Result<WatchedSource, readonly Diagnostic[]>;
  readonly authorityFile: string | undefined;
}> {
  const { stateDir, clock, domains } = options;
  try {
    const authority = await loadLocalAuthority({ stateDir, now: clock.now() });
    const source = await openWatchedSource({
      ...options,
      source: createLocalSource({ authority, names: domains }),
      watch(onChange) {
        // Looking every minute instead of sleeping until the date survives suspended machines and clocks that are set.
        const timer = clock.setInterval(onChange, renewalCheck);
        return { close: () => timer.cancel() };
      },
    });
    return { source, authorityFile: authority.certificateFile };
  } catch (error) {
    return { source: fail([toDiagnostic(error)]), authorityFile: undefined };
  }
}

/** Loaded only where it is needed: with the libraries below it, it takes longer than all the rest of a start. */
async function openAcme(
  options: CertificatesOptions & {
    readonly onChange: () => void;
    readonly isCovered: (name: string) => boolean;
  },
): Promise<AcmeProvider | undefined> {
  const { automatic, domains } = options;
  if (automatic.kind !== 'acme') return undefined;
  const { loadAcmeProvider } = await import('./acme-provider.ts');
  const names = domains.filter((name) => !options.isCovered(name));
  return loadAcmeProvider({ ...options, ...automatic, names });
}
