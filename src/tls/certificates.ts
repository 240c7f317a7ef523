import { randomBytes } from 'node:crypto';
import type { Server, TlsOptions } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import {
  createFileSource,
  createLocalSource,
  toDiagnostic,
  type CertificateSource,
} from './certificate-source.ts';
import { CertificateStore, type ServerTlsOptions } from './handshake/certificate-store.ts';
import { createFileWatcher } from './files/file-watcher.ts';
import { loadLocalAuthority } from './local-ca/local-ca.ts';
import type { CertificateFacts, TlsMaterial } from './tls-material.ts';

/** Where certificates come from, as the configuration says it. Paths are absolute. */
type CertificateOrigin =
  | { readonly kind: 'files'; readonly cert: string; readonly key: string }
  | { readonly kind: 'local-ca' };

export interface CertificatesOptions {
  readonly tls: CertificateOrigin;
  /** Public names and addresses that clients use, lower case. `localhost` and loopback are always part of a local certificate. */
  readonly domains: readonly string[];
  /** Absolute path; the local authority lives in `local-ca` below it. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly report: (event: CertificateEvent) => void;
  /** What a client gets that asks for another name. `refuse` when absent, domains are given and the certificate comes from files; else `default`. */
  readonly unknownName?: 'default' | 'refuse';
}

/** What happens while the gateway runs. After `kept` the old certificate serves on. */
export type CertificateEvent =
  | { readonly kind: 'replaced'; readonly facts: CertificateFacts }
  | { readonly kind: 'warning'; readonly warning: Diagnostic }
  | { readonly kind: 'kept'; readonly errors: readonly Diagnostic[] };

/** A certificate in service. */
interface CertificateExpiry extends CertificateFacts {
  /** Wall-clock milliseconds from which on Breakwater replaces it by itself; undefined for files. */
  readonly renewsAt: number | undefined;
}

export interface Certificates {
  /** What was found wrong at the start, without being an obstacle. */
  readonly warnings: readonly Diagnostic[];
  /** Absolute path of the local authority's certificate, which clients must trust; undefined for files. */
  readonly authorityFile: string | undefined;
  createTlsOptions(options: ServerTlsOptions): TlsOptions;
  /** Every server made from `createTlsOptions` must be attached, to follow new certificates and ticket keys. */
  attach(server: Server): void;
  expiry(): readonly CertificateExpiry[];
  /** Looks at the source now and takes up what is new; also happens by itself. */
  refresh(): Promise<void>;
  /** Stops watching and renewing. */
  close(): void;
}

const hour = 3_600_000;
const ticketKeyLifetime = 12 * hour;
const renewalCheck = 60_000;

/** Loads the certificate, keeps it fresh, and serves it; the one thing of this room that the composition root builds. */
export async function loadCertificates(
  options: CertificatesOptions,
): Promise<Result<Certificates, readonly Diagnostic[]>> {
  const opened = await openSource(options);
  if (!opened.ok) return opened;
  const { source, authorityFile } = opened.value;
  const first = await source.look(options.clock.now());
  switch (first.kind) {
    case 'failed':
      return fail(first.errors);
    case 'unchanged':
      throw new Error('a certificate source answered its first look with `unchanged`');
    case 'loaded':
      return ok(createCertificates({ ...options, source, authorityFile, first }));
  }
}

interface OpenedSource {
  readonly source: CertificateSource;
  readonly authorityFile: string | undefined;
}

async function openSource(
  options: CertificatesOptions,
): Promise<Result<OpenedSource, readonly Diagnostic[]>> {
  const { tls, domains, stateDir, clock } = options;
  switch (tls.kind) {
    case 'files':
      return ok({ source: createFileSource({ ...tls, domains }), authorityFile: undefined });
    case 'local-ca':
      try {
        const authority = await loadLocalAuthority({ stateDir, now: clock.now() });
        const source = createLocalSource({ authority, names: domains });
        return ok({ source, authorityFile: authority.certificateFile });
      } catch (error) {
        return fail([toDiagnostic(error)]);
      }
  }
}

function createCertificates(
  options: CertificatesOptions &
    OpenedSource & {
      readonly first: { readonly material: TlsMaterial; readonly warnings: readonly Diagnostic[] };
    },
): Certificates {
  const { clock, domains, first, report, source, tls } = options;
  const strict = tls.kind === 'files' && domains.length > 0;
  const store = new CertificateStore({
    materials: [first.material],
    domains,
    unknownName: options.unknownName ?? (strict ? 'refuse' : 'default'),
    ticketKeys: createTicketKeys(),
  });

  const lookOnce = async (): Promise<void> => {
    const outcome = await source.look(clock.now());
    switch (outcome.kind) {
      case 'unchanged':
        return;
      case 'failed':
        report({ kind: 'kept', errors: outcome.errors });
        return;
      case 'loaded':
        store.replace([outcome.material]);
        report({ kind: 'replaced', facts: outcome.material.facts });
        for (const warning of outcome.warnings) report({ kind: 'warning', warning });
    }
  };
  // A defect in renewing must not end a process whose certificate still serves.
  const onFailure = (error: unknown): void => {
    const message = `looking for a new certificate failed: ${error instanceof Error ? error.message : String(error)}`;
    report({ kind: 'kept', errors: [{ severity: 'error', code: 'E_INTERNAL', message }] });
  };
  // One look at a time, and one more at most in waiting: two that overlap could finish in the wrong order
  // and put an old certificate back.
  let last = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const startLook = (): Promise<void> => {
    waiting = undefined;
    return lookOnce();
  };
  const refresh = (): Promise<void> => {
    waiting ??= last = last.then(startLook).catch(onFailure);
    return waiting;
  };

  const onChange = (): void => void refresh();
  const rotation = clock.setInterval(() => store.rotateTicketKeys(createTicketKeys()), ticketKeyLifetime);
  const watcher = watchOrigin({ tls, clock, onChange });

  return {
    warnings: first.warnings,
    authorityFile: options.authorityFile,
    createTlsOptions: (settings) => store.createTlsOptions(settings),
    attach: (server) => store.attach(server),
    expiry: () => store.facts.map((facts) => ({ ...facts, renewsAt: source.renewsAt })),
    refresh,
    close() {
      rotation.cancel();
      watcher.close();
    },
  };
}

function watchOrigin(options: {
  readonly tls: CertificateOrigin;
  readonly clock: Clock;
  readonly onChange: () => void;
}): { close(): void } {
  const { tls, clock, onChange } = options;
  switch (tls.kind) {
    case 'files':
      return createFileWatcher({ paths: [tls.cert, tls.key], clock, onChange });
    case 'local-ca': {
      // Looking every minute instead of sleeping until the date survives suspended machines and clocks that are set.
      const timer = clock.setInterval(onChange, renewalCheck);
      return { close: () => timer.cancel() };
    }
  }
}

/** 16 bytes each of key name, HMAC key and AES key (Node, `server.setTicketKeys`). */
function createTicketKeys(): Buffer {
  return randomBytes(48);
}
