import { X509Certificate } from 'node:crypto';
import { buildMaterial, type TlsMaterial } from '../../src/tls/tls-material.ts';
import type { TestCertificate } from '../support/certificates.ts';

/** A certificate in the form the store serves. */
export function toMaterial(certificate: TestCertificate): TlsMaterial {
  return buildMaterial({
    leaf: new X509Certificate(certificate.cert),
    intermediates: [],
    key: certificate.key,
  });
}
