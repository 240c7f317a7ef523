import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { toCertificateId } from '../../../src/tls/acme/certificate-id.ts';
import { toKeyIdentifier } from '../../../src/tls/x509/certificate-fields.ts';
import { createTestCertificate, createTestChain } from '../../support/certificates.ts';

/** RFC 9773 appendix A. */
const example = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----`;

it('names the example of RFC 9773, whose serial number begins with a zero byte', () => {
  expect(toCertificateId(new X509Certificate(example))).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
});

it('names a certificate by the key that signed it', async () => {
  const { intermediate, leaf } = await createTestChain();
  const certificate = new X509Certificate(leaf.cert);
  const issuerKey = toKeyIdentifier(new X509Certificate(intermediate.cert).publicKey).toString('base64url');
  const serial = Buffer.from(certificate.serialNumber, 'hex').toString('base64url');
  expect(toCertificateId(certificate)).toBe(`${issuerKey}.${serial}`);
});

it('has no name for a certificate that does not say which key signed it', async () => {
  const { cert } = await createTestCertificate();
  expect(toCertificateId(new X509Certificate(cert))).toBeUndefined();
});
