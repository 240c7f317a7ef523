import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { array, assert, asyncProperty, integer } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCanonicalName } from '../../src/lib/canonical-name.ts';
import { toKeyIdentifier, type CertificateFields } from '../../src/tls/x509/certificate-fields.ts';
import { buildCertificate } from '../../src/tls/x509/x509-builder.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

async function build(fields: Partial<CertificateFields> = {}): Promise<X509Certificate> {
  const name = { organization: 'Breakwater', commonName: 'é test' };
  return new X509Certificate(
    await buildCertificate({
      serialNumber: Buffer.from([1]),
      issuer: name,
      subject: name,
      notBefore: Date.UTC(2026, 0, 1),
      notAfter: Date.UTC(2027, 0, 1),
      publicKey,
      signingKey: privateKey,
      basicConstraints: { ca: false },
      ...fields,
    }),
  );
}

/** True when the certificate holds these bytes, given in hexadecimal. */
function holds(certificate: X509Certificate, hex: string): boolean {
  return certificate.raw.includes(Buffer.from(hex, 'hex'));
}

describe('certificates, as OpenSSL reads them', () => {
  it('carry names, dates, serial number and key', async () => {
    const certificate = await build({
      serialNumber: Buffer.from('00ff0102', 'hex'),
      notAfter: Date.UTC(2055, 5, 1),
    });
    expect(certificate.subject).toBe('O=Breakwater\nCN=é test');
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.serialNumber).toBe('FF0102');
    expect(certificate.validFromDate).toEqual(new Date(Date.UTC(2026, 0, 1)));
    expect(certificate.validToDate).toEqual(new Date(Date.UTC(2055, 5, 1)));
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    expect(certificate.verify(publicKey)).toBe(true);
  });

  it.each([
    ['leading zeros', '000005', '05', '020105'],
    ['a high bit, which would mean a negative number', '80', '80', '02020080'],
    ['sixteen bytes', '40'.padEnd(32, 'a'), '40'.padEnd(32, 'A'), `0210${'40'.padEnd(32, 'a')}`],
  ])('carry a serial number with %s', async (_what, given, shown, der) => {
    const certificate = await build({ serialNumber: Buffer.from(given, 'hex') });
    expect(certificate.serialNumber).toBe(shown);
    expect(holds(certificate, der)).toBe(true);
  });

  it('change from UTCTime to GeneralizedTime with the year 2050 (RFC 5280 section 4.1.2.5)', async () => {
    const { raw } = await build({
      notBefore: Date.UTC(2049, 11, 31, 23, 59, 59, 999),
      notAfter: Date.UTC(2050, 0, 1),
    });
    expect(raw.includes('\x17\x0d491231235959Z')).toBe(true);
    expect(raw.includes('\x18\x0f20500101000000Z')).toBe(true);
  });

  it('are signed by RSA keys too', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const certificate = await build({ signingKey: rsa.privateKey });
    expect(certificate.verify(rsa.publicKey)).toBe(true);
    expect(certificate.verify(publicKey)).toBe(false);
  });

  it('carry extensions', async () => {
    const certificate = await build({
      basicConstraints: { ca: true, pathLength: 0 },
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
      subjectAlternativeName: ['a.test', '127.0.0.1', '::1', '*.b.test'],
    });
    expect(certificate.ca).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.subjectAltName).toBe(
      'DNS:a.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:*.b.test',
    );
    expect(certificate.checkIP('::1')).toBe('::1');
  });

  it('carry critical basic constraints and key usage in the shortest form (X.690 section 11.2.2)', async () => {
    const authority = await build({
      basicConstraints: { ca: true, pathLength: 0 },
    });
    expect(holds(authority, '0603551d130101ff040830060101ff020100')).toBe(true);
    expect(holds(authority, '0603551d0f0101ff040403020106')).toBe(true);
    const leaf = await build();
    expect(holds(leaf, '0603551d130101ff04023000')).toBe(true);
    expect(holds(leaf, '0603551d0f0101ff040403020780')).toBe(true);
  });

  it('name their key, and the key of another issuer', async () => {
    const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [own, other] = [toKeyIdentifier(publicKey), toKeyIdentifier(issuer.publicKey)];
    const subject = `0603551d0e04160414${own.toString('hex')}`;
    const authority = `0603551d23041830168014${other.toString('hex')}`;
    const issued = await build({ signingKey: issuer.privateKey });
    expect([holds(issued, subject), holds(issued, authority)]).toEqual([true, true]);
    const selfSigned = await build();
    expect([holds(selfSigned, subject), holds(selfSigned, '0603551d23')]).toEqual([true, false]);
  });

  it('carry critical name constraints: domains, and networks with their masks', async () => {
    const certificate = await build({ nameConstraints: ['test', '172.16.0.0/12', 'fc00::/7', '::1/128'] });
    const domain = '3006820474657374';
    const network4 = '300a8708ac100000fff00000';
    const network6 = `30228720${'fc'.padEnd(32, '0')}${'fe'.padEnd(32, '0')}`;
    const loopback = `30228720${'1'.padStart(32, '0')}${'f'.repeat(32)}`;
    const subtrees = domain + network4 + network6 + loopback;
    const length = (subtrees.length / 2).toString(16);
    expect(holds(certificate, `a0${length}${subtrees}`)).toBe(true);
    expect(holds(certificate, '0603551d1e0101ff04')).toBe(true);
  });

  it('cover every IPv6 address they are made for', async () => {
    await assert(
      asyncProperty(
        array(integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }),
        async (groups) => {
          const address = groups.map((group) => group.toString(16)).join(':');
          const certificate = await build({ subjectAlternativeName: [toCanonicalName(address)] });
          expect(certificate.checkIP(address)).toBe(address);
        },
      ),
      { numRuns: 20 },
    );
  });
});
