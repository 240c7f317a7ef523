import type { Diagnostic } from '../lib/diagnostic.ts';
import { isGatewayError } from '../lib/gateway-error.ts';
import {
  parseCertificatePair,
  readCertificatePair,
  type CertificatePaths,
} from './files/certificate-files.ts';
import { createFileLook, type FileLook } from './files/file-look.ts';
import { loadLocalCertificate } from './local-ca/local-certificate.ts';
import type { LocalAuthority } from './local-ca/local-ca.ts';
import type { TlsMaterial } from './tls-material.ts';

/** What a look at a source found. */
export type SourceOutcome =
  | Exclude<FileLook<never>, { readonly kind: 'loaded' }>
  | { readonly kind: 'loaded'; readonly material: TlsMaterial; readonly warnings: readonly Diagnostic[] };

/** Where a certificate comes from; asked again and again while the gateway runs. */
export interface CertificateSource {
  /** Wall-clock milliseconds of the next renewal, where the source renews by itself. */
  readonly renewsAt: number | undefined;
  look(now: number): Promise<SourceOutcome>;
}

/** Certificate files of the user: loaded again whenever their contents differ from the last look. Only the first look fails at once. */
export function createFileSource(
  options: CertificatePaths & { readonly domains: readonly string[] },
): CertificateSource {
  const { domains } = options;
  const look = createFileLook(async (now) => {
    const pair = await readCertificatePair(options);
    if (!pair.ok) return { contents: pair.error.map(({ message }) => message), parse: () => pair };
    const { cert, key, passphrase } = pair.value;
    return {
      contents: [cert.text, key.text, passphrase?.text ?? ''],
      parse: () => parseCertificatePair(pair.value, { domains, now }),
    };
  });
  return {
    renewsAt: undefined,
    async look(now) {
      const found = await look(now);
      return found.kind === 'loaded' ? { kind: 'loaded', ...found.value } : found;
    },
  };
}

/** Certificates of the local authority: a new one when two thirds of the old one's life are over, or the clock was set back. */
export function createLocalSource(options: {
  readonly authority: LocalAuthority;
  readonly names: readonly string[];
}): CertificateSource {
  let from = 0;
  let renewsAt: number | undefined;
  let failure: string | undefined;
  return {
    get renewsAt() {
      return renewsAt;
    },
    async look(now) {
      if (renewsAt !== undefined && now >= from && now < renewsAt) return { kind: 'unchanged' };
      try {
        const issued = await loadLocalCertificate({ ...options, now });
        ({ renewsAt } = issued);
        from = issued.material.facts.notBefore;
        failure = undefined;
        return { kind: 'loaded', material: issued.material, warnings: issued.warnings };
      } catch (error) {
        const diagnostic = toDiagnostic(error);
        if (diagnostic.message === failure) return { kind: 'unchanged' };
        failure = diagnostic.message;
        return { kind: 'failed', errors: [diagnostic] };
      }
    },
  };
}

/** A foreseen failure in the form that every command prints; anything else is a bug and goes on. */
export function toDiagnostic(error: unknown): Diagnostic {
  if (!isGatewayError(error)) throw error;
  return { severity: 'error', code: error.code, message: error.message, fix: error.hint };
}
