import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { toErrorMessage } from '../lib/error-message.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import {
  createClientAuthoritySource,
  toExpiredListError,
  type ClientAuthorities,
  type ClientAuthorityPaths,
} from './files/client-authorities.ts';
import { createFileWatcher } from './files/file-watcher.ts';
import { createLookLoop } from './files/look-loop.ts';
import type { ClientCertificates } from './handshake/client-certificates.ts';

/** As the configuration says it. Paths are absolute. */
export interface ClientAuthoritySettings extends ClientAuthorityPaths {
  readonly required: boolean;
}

export interface ClientAuthorityWatchOptions {
  readonly settings: ClientAuthoritySettings;
  readonly clock: Clock;
  readonly report: (event: ClientAuthorityEvent) => void;
  /** Puts other authorities and lists into service. */
  readonly onChange: (clients: ClientCertificates) => void;
}

/** What happens to the files while the gateway runs. After `clients-kept` the old ones are used on. */
export type ClientAuthorityEvent =
  | { readonly kind: 'clients-replaced' }
  | { readonly kind: 'clients-kept'; readonly errors: readonly Diagnostic[] }
  | { readonly kind: 'warning'; readonly warning: Diagnostic };

export interface ClientAuthorityWatch {
  /** What the first look found. */
  readonly clients: ClientCertificates;
  readonly warnings: readonly Diagnostic[];
  /** Looks now; also happens by itself. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Loads the authorities of clients and their revocation lists, and follows the files. Fails when the first look does. */
export async function openClientAuthorities(
  options: ClientAuthorityWatchOptions,
): Promise<Result<ClientAuthorityWatch, readonly Diagnostic[]>> {
  const { settings, clock, report } = options;
  const { ca, crl, required } = settings;
  const look = createClientAuthoritySource(settings);
  const first = await look(clock.now());
  if (first.kind === 'failed') return fail(first.errors);
  if (first.kind !== 'loaded') throw new Error(`the first look at client authorities was \`${first.kind}\``);
  const toClients = (authorities: ClientAuthorities): ClientCertificates => ({
    ca: authorities.ca,
    crl: authorities.crl,
    required,
  });
  let { crlEnds } = first.value;

  const loop = createLookLoop({
    clock,
    watch: (onChange) => createFileWatcher({ paths: crl === undefined ? [ca] : [ca, crl], clock, onChange }),
    onFailure(error) {
      const message = `looking at client authorities failed: ${toErrorMessage(error)}`;
      report({ kind: 'clients-kept', errors: [{ severity: 'error', code: 'E_INTERNAL', message }] });
    },
    async look() {
      const outcome = await look(clock.now());
      switch (outcome.kind) {
        case 'unsettled':
          return outcome.lookAgainIn;
        case 'failed':
          report({ kind: 'clients-kept', errors: outcome.errors });
          break;
        case 'loaded':
          options.onChange(toClients(outcome.value));
          ({ crlEnds } = outcome.value);
          report({ kind: 'clients-replaced' });
          for (const warning of outcome.value.warnings) report({ kind: 'warning', warning });
          break;
        case 'unchanged':
          break;
      }
      if (crl !== undefined && crlEnds !== undefined && clock.now() >= crlEnds) {
        report({ kind: 'clients-kept', errors: [toExpiredListError(crl, crlEnds)] });
        crlEnds = undefined;
      }
      return undefined;
    },
  });
  return ok({
    clients: toClients(first.value),
    warnings: first.value.warnings,
    refresh: () => loop.refresh(),
    close: () => loop.close(),
  });
}
