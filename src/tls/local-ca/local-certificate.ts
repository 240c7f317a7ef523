import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import { writeFileAtomically } from '../../state/directory.ts';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import { serverAuthentication } from '../x509/certificate-fields.ts';
import { checkValidity, createKeyPair, createSerialNumber, type LocalAuthority } from './local-ca.ts';
import { isLocalName } from '../../lib/local-names.ts';
import { buildMaterial, type TlsMaterial } from '../tls-material.ts';

export interface LocalCertificate {
  readonly material: TlsMaterial;
  /** Wall-clock milliseconds from which on a new certificate is due. */
  readonly renewsAt: number;
  readonly warnings: readonly Diagnostic[];
}

export interface LocalCertificateOptions {
  readonly authority: LocalAuthority;
  /** Names beside `localhost`, `127.0.0.1` and `::1`. */
  readonly names: readonly string[];
  /** Wall-clock milliseconds. */
  readonly now: number;
}

const fileName = 'leaf.pem';
const hour = 3_600_000;
const lifetime = 90 * 24 * hour;

/**
 * Loads the stored certificate while it names the same names and has more than a third of its life left; issues a new one,
 * with a new key, otherwise. Throws a GatewayError: E_TLS_LOCAL_NAME for a name outside the authority's constraints,
 * E_TLS_STATE when the authority has expired.
 */
export async function loadLocalCertificate(options: LocalCertificateOptions): Promise<LocalCertificate> {
  const foreign = options.names.find((name) => !isLocalName(toCanonicalName(name)));
  if (foreign !== undefined) {
    throw new GatewayError(
      'E_TLS_LOCAL_NAME',
      `the local certificate authority does not sign for \`${foreign}\``,
    );
  }
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...options.names.map(toCanonicalName)])];
  const stored = await readStored(options.authority);
  if (stored !== undefined && isUsable(stored, names, options.now)) {
    return { material: stored, renewsAt: toRenewal(stored), warnings: [] };
  }

  const { material, file } = await issue({ ...options, names });
  const warnings = await store(options.authority, file);
  return { material, renewsAt: toRenewal(material), warnings };
}

/** A stored certificate that cannot be read is worth nothing: it is derived from the authority and simply made again. */
async function readStored(authority: LocalAuthority): Promise<TlsMaterial | undefined> {
  try {
    const text = await readFile(join(authority.directory, fileName), 'utf8');
    const leaf = new X509Certificate(text);
    const key = createPrivateKey(text);
    const ours =
      leaf.checkPrivateKey(key) &&
      leaf.checkIssued(authority.certificate) &&
      leaf.verify(authority.certificate.publicKey);
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    return ours ? buildMaterial({ leaf, intermediates: [], key: pem }) : undefined;
  } catch {
    return undefined;
  }
}

function isUsable(material: TlsMaterial, names: readonly string[], now: number): boolean {
  const { facts } = material;
  const same = facts.names.length === names.length && names.every((name) => facts.names.includes(name));
  return same && now >= facts.notBefore && now < toRenewal(material);
}

function toRenewal(material: TlsMaterial): number {
  const { notBefore, notAfter } = material.facts;
  return notBefore + ((notAfter - notBefore) * 2) / 3;
}

async function issue(
  options: LocalCertificateOptions,
): Promise<{ readonly material: TlsMaterial; readonly file: string }> {
  const { authority, names, now } = options;
  checkValidity(authority.directory, authority.certificate, now);
  const { buildCertificate } = await import('../x509/x509-builder.ts');
  const { publicKey, privateKey } = await createKeyPair();
  // Back-dated for clients whose clock is a little behind.
  const notBefore = now - hour;
  const certificate = await buildCertificate({
    serialNumber: createSerialNumber(),
    issuer: authority.name,
    subject: { commonName: 'localhost' },
    notBefore,
    notAfter: Math.min(notBefore + lifetime, authority.certificate.validToDate.getTime()),
    publicKey,
    signingKey: authority.key,
    basicConstraints: { ca: false },
    extendedKeyUsage: [serverAuthentication],
    subjectAlternativeName: names,
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const material = buildMaterial({ leaf: new X509Certificate(certificate), intermediates: [], key });
  return { material, file: key + certificate };
}

/** A disk that cannot be written costs the memory of this certificate, not the service. */
async function store(authority: LocalAuthority, data: string): Promise<readonly Diagnostic[]> {
  try {
    await writeFileAtomically(authority.directory, { name: fileName, data, mode: 0o600 });
    return [];
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [
      {
        severity: 'warning',
        code: error.code,
        message: `the new local certificate is used but not kept: ${error.message}`,
        fix: error.hint,
      },
    ];
  }
}
