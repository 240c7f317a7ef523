import type { X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { explainFileError } from '../../state/directory.ts';
import { diagnoseCertificate } from './certificate-diagnosis.ts';
import { buildChain } from './certificate-chain.ts';
import { checkWithEngine, parseCertificates, parsePrivateKey, type NamedText } from './key-pair.ts';
import { buildMaterial, type TlsMaterial } from '../tls-material.ts';
import { trustedRoots } from './trusted-roots.ts';

/** Absolute paths of the PEM certificate chain, leaf first, and of its PEM private key; may be the same file. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
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
}

/** No chain comes near this; a larger file is the wrong file. */
const largestFile = 1_048_576;

/** Reads a certificate and its key and says everything that is wrong with them, at once. */
export async function loadCertificateFiles(
  options: CertificatePaths & DiagnosisOptions,
): Promise<Result<LoadedCertificate, readonly Diagnostic[]>> {
  const pair = await readCertificatePair(options);
  return pair.ok ? parseCertificatePair(pair.value, options) : pair;
}

export async function readCertificatePair(
  paths: CertificatePaths,
): Promise<Result<CertificatePair, readonly Diagnostic[]>> {
  const [cert, key] = await Promise.all([
    readText(paths.cert, 'certificate'),
    readText(paths.key, 'private key'),
  ]);
  if (!cert.ok || !key.ok) return fail([cert, key].flatMap((result) => (result.ok ? [] : [result.error])));
  return ok({ cert: cert.value, key: key.value, keyMode: key.value.mode });
}

export function parseCertificatePair(
  pair: CertificatePair,
  options: DiagnosisOptions,
): Result<LoadedCertificate, readonly Diagnostic[]> {
  const certificates = parseCertificates(pair.cert);
  const key = parsePrivateKey(pair.key);
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
  if (process.platform === 'win32' || (pair.keyMode & 0o007) === 0) return [];
  const mode = (pair.keyMode & 0o777).toString(8).padStart(4, '0');
  return [
    {
      severity: 'warning',
      code: 'E_TLS_KEY_EXPOSED',
      message: `every user of this machine can reach the private key (mode ${mode})`,
      file: pair.key.file,
      fix: `run \`chmod 600 ${pair.key.file}\``,
    },
  ];
}

async function readText(
  path: string,
  what: string,
): Promise<Result<NamedText & { readonly mode: number }, Diagnostic>> {
  const unreadable = (reason: string): { readonly ok: false; readonly error: Diagnostic } =>
    fail({
      severity: 'error',
      code: 'E_TLS_UNREADABLE',
      message: `cannot read the ${what} \`${path}\`: ${reason}`,
      file: path,
    });
  try {
    const handle = await open(path, 'r');
    try {
      const status = await handle.stat();
      if (status.isDirectory()) return unreadable('it is a directory');
      if (!status.isFile()) return unreadable('it is not a regular file');
      if (status.size > largestFile) return unreadable('it is larger than 1 MiB');
      return ok({ file: path, text: await handle.readFile('utf8'), mode: status.mode });
    } finally {
      await handle.close();
    }
  } catch (error) {
    return unreadable(explainFileError(error));
  }
}
