import type { X509Certificate } from 'node:crypto';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { diagnoseCertificate } from './certificate-diagnosis.ts';
import { buildChain } from './certificate-chain.ts';
import { checkWithEngine, parseCertificates, parsePrivateKey } from './key-pair.ts';
import { readPassphrase, type Passphrase, type PassphraseSource } from './passphrase.ts';
import { readTextFile, type NamedText } from './text-file.ts';
import { buildMaterial, type TlsMaterial } from '../tls-material.ts';
import { trustedRoots } from './trusted-roots.ts';

/** Absolute paths of the PEM certificate chain, leaf first, and of its PEM private key; may be the same file. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
  /** Opens the private key where that is encrypted. */
  readonly passphrase?: PassphraseSource | undefined;
}

/** Every file that is read for a certificate. */
export function listFiles({ cert, key, passphrase }: CertificatePaths): readonly string[] {
  return [cert, key, ...(passphrase?.kind === 'file' ? [passphrase.path] : [])];
}

export interface DiagnosisOptions {
  /** Names that clients will use, lower case; each one not covered is a warning. */
  readonly domains: readonly string[];
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** Roots that make a chain complete; those known to this machine when absent. */
  readonly roots?: Iterable<X509Certificate>;
}

export interface LoadedCertificate {
  readonly material: TlsMaterial;
  readonly warnings: readonly Diagnostic[];
}

/** A certificate and its key as they are on disk. */
export interface CertificatePair {
  readonly cert: NamedText;
  readonly key: NamedText;
  /** Permission bits of the key file. */
  readonly keyMode: number;
  readonly passphrase: Passphrase | undefined;
}

/** Reads a certificate and its key and says everything that is wrong with them, at once. */
export async function loadCertificateFiles(
  options: CertificatePaths & DiagnosisOptions,
): Promise<Result<LoadedCertificate, readonly Diagnostic[]>> {
  const pair = await readCertificatePair(options);
  return pair.ok ? parseCertificatePair(pair.value, options) : pair;
}

/** Reads the files, of 1 MiB at most, but does not look into them. Fails with E_TLS_UNREADABLE, once for each that cannot be read. */
export async function readCertificatePair(
  paths: CertificatePaths,
): Promise<Result<CertificatePair, readonly Diagnostic[]>> {
  const [cert, key, passphrase] = await Promise.all([
    readTextFile({ path: paths.cert, what: 'certificate' }),
    readTextFile({ path: paths.key, what: 'private key' }),
    paths.passphrase === undefined ? ok(undefined) : readPassphrase(paths.passphrase),
  ]);
  if (!cert.ok || !key.ok || !passphrase.ok) {
    return fail([cert, key, passphrase].flatMap((result) => (result.ok ? [] : [result.error])));
  }
  return ok({
    cert: cert.value,
    key: key.value,
    keyMode: key.value.mode,
    passphrase: passphrase.value,
  });
}

/**
 * Checks what was read. Fails with E_TLS_MALFORMED, E_TLS_KEY_ENCRYPTED, E_TLS_PASSPHRASE or E_TLS_KEY_MISMATCH. Warnings are E_TLS_EXPIRED,
 * E_TLS_NOT_YET_VALID, E_TLS_NAME_UNCOVERED, E_TLS_PURPOSE, E_TLS_CHAIN and E_TLS_KEY_EXPOSED.
 */
export function parseCertificatePair(
  pair: CertificatePair,
  options: DiagnosisOptions,
): Result<LoadedCertificate, readonly Diagnostic[]> {
  const certificates = parseCertificates(pair.cert);
  const key = parsePrivateKey(pair.key, pair.passphrase);
  if (!certificates.ok || !key.ok) {
    return fail([certificates, key].flatMap((result) => (result.ok ? [] : [result.error])));
  }
  const leaf = certificates.value.find((certificate) => certificate.checkPrivateKey(key.value));
  if (leaf === undefined) {
    return fail([
      {
        severity: 'error',
        code: 'E_TLS_KEY_MISMATCH',
        message: `the private key does not belong to any certificate in \`${pair.cert.file}\``,
        file: pair.key.file,
      },
    ]);
  }
  const others = certificates.value.filter((certificate) => certificate !== leaf);
  const chain = buildChain(leaf, others);
  const pem = key.value.export({ type: 'pkcs8', format: 'pem' }).toString();
  const material = buildMaterial({ leaf, intermediates: chain.intermediates, key: pem });
  const checked = checkWithEngine(material, pair.cert.file);
  if (!checked.ok) return fail([checked.error]);
  const warnings = diagnoseCertificate({
    file: pair.cert.file,
    leaf,
    chain,
    given: certificates.value,
    domains: options.domains,
    now: options.now,
    roots: options.roots ?? trustedRoots(),
  });
  return ok({ material, warnings: [...warnings, ...diagnoseMode(pair)] });
}

/** Key theft by a local user: POSIX permission bits; Windows has none that mean anything here. */
function diagnoseMode(pair: CertificatePair): readonly Diagnostic[] {
  const { key, keyMode, passphrase } = pair;
  return [
    ...diagnoseFileMode('private key', { file: key.file, mode: keyMode }),
    ...(passphrase?.file === undefined ? [] : diagnoseFileMode('passphrase', passphrase.file)),
  ];
}

function diagnoseFileMode(
  what: string,
  { file, mode }: { readonly file: string; readonly mode: number },
): readonly Diagnostic[] {
  if (process.platform === 'win32' || (mode & 0o007) === 0) return [];
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return [
    {
      severity: 'warning',
      code: 'E_TLS_KEY_EXPOSED',
      message: `every user of this machine can reach the ${what} (mode ${octal})`,
      file,
      fix: `run \`chmod 600 ${file}\``,
    },
  ];
}
