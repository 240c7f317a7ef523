import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { toCanonicalName } from '../lib/canonical-name.ts';

/** What one name is served with: a certificate chain, leaf first, and its private key. */
export interface TlsMaterial {
  /** PEM of the leaf and its intermediates, in the order in which they are sent. */
  readonly chain: string;
  /** PEM, unencrypted. Never logged. */
  readonly key: string;
  readonly facts: CertificateFacts;
}

/** What logs, `/readyz` and a person want to know about a certificate. Times are wall-clock milliseconds. */
export interface CertificateFacts {
  /** DNS names, lower case, and IP addresses of the subjectAltName. */
  readonly names: readonly string[];
  /** One line, such as `CN=R11, O=Let's Encrypt`. */
  readonly issuer: string;
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Puts parsed parts together; the caller has checked that the key matches the first certificate of the chain. */
export function buildMaterial(parts: {
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
  readonly key: string;
}): TlsMaterial {
  const { leaf, intermediates, key } = parts;
  const chain = [leaf, ...intermediates].map((certificate) => certificate.toString()).join('');
  return { chain, key, facts: toFacts(leaf) };
}

export function toFacts(certificate: X509Certificate): CertificateFacts {
  return {
    names: toNames(certificate),
    issuer: toOneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

/** True when one of a certificate's names is `name`, or a wildcard that stands for its first label (RFC 9525 section 6.3). */
export function isNameAmong(names: readonly string[], name: string): boolean {
  const dot = name.indexOf('.');
  return names.includes(name) || (dot > 0 && isIP(name) === 0 && names.includes(`*${name.slice(dot)}`));
}

/** A subject or issuer as Node prints it, on one line. */
export function toOneLine(name: string): string {
  return name.split('\n').toReversed().join(', ');
}

/** Node quotes an entry that holds separators, so that it cannot pose as two (CVE-2021-44532); such an entry is never a name of ours. */
function toNames(certificate: X509Certificate): readonly string[] {
  const plain = (certificate.subjectAltName ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '');
  return Array.from(plain.matchAll(/(?:^|, )(?:DNS|IP Address):([^,]+)/g), ([, name = '']) =>
    toCanonicalName(name),
  );
}
