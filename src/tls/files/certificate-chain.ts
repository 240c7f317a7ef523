import type { X509Certificate } from 'node:crypto';

export interface CertificateChain {
  /** Issuers of the leaf found among the given certificates, nearest first. */
  readonly intermediates: readonly X509Certificate[];
  /** Given certificates that do not lead upwards from the leaf. */
  readonly unused: readonly X509Certificate[];
}

/** Builds the way up from a leaf out of certificates in any order; only real signatures count as links. */
export function buildChain(leaf: X509Certificate, others: readonly X509Certificate[]): CertificateChain {
  const intermediates: X509Certificate[] = [];
  let unused = [...others];
  let last = leaf;
  while (!isSelfSigned(last)) {
    const issuer = findIssuer(last, unused);
    if (issuer === undefined) break;
    intermediates.push(issuer);
    unused = unused.filter((candidate) => candidate !== issuer);
    last = issuer;
  }
  return { intermediates, unused };
}

/** True when the chain ends in a self-signed certificate or right below one of the roots. */
export function isChainComplete(last: X509Certificate, roots: Iterable<X509Certificate>): boolean {
  return isSelfSigned(last) || findIssuer(last, roots) !== undefined;
}

function findIssuer(
  certificate: X509Certificate,
  candidates: Iterable<X509Certificate>,
): X509Certificate | undefined {
  for (const candidate of candidates) if (isIssuer(candidate, certificate)) return candidate;
  return undefined;
}

function isIssuer(candidate: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey);
}

/** `checkIssued` would deny it to a self-signed certificate that may not sign others. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}
