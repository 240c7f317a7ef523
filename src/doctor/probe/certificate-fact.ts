import type { KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateFact } from '../facts.ts';

/** A certificate as facts keep it. */
export function toCertificateFact(certificate: X509Certificate): CertificateFact {
  const { subject, issuer, validFrom, validTo, subjectAltName, publicKey, fingerprint256 } = certificate;
  // Newer than the oldest Node that is supported.
  const signature = 'signatureAlgorithm' in certificate ? certificate.signatureAlgorithm : undefined;
  return {
    subject: toLine(subject),
    issuer: toLine(issuer),
    selfSigned: subject === issuer && certificate.checkIssued(certificate),
    notBefore: toIso(validFrom),
    notAfter: toIso(validTo),
    names:
      subjectAltName === undefined
        ? []
        : subjectAltName.split(', ').map((name) => name.replace('IP Address:', 'IP:')),
    key: nameKey(publicKey),
    ...(typeof signature === 'string' ? { signature } : {}),
    fingerprint256,
  };
}

/** OpenSSL writes one part a line, and leaves out what is empty. */
function toLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function toIso(date: string): string {
  const parsed = new Date(date);
  return Number.isNaN(parsed.getTime()) ? date : parsed.toISOString();
}

function nameKey({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === 'rsa' || type === 'rsa-pss') return `RSA ${details?.modulusLength ?? '?'}`;
  if (type === 'ec') return `EC ${details?.namedCurve ?? '?'}`;
  return (type ?? 'unknown').toUpperCase();
}
