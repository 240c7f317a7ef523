import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derInteger, derObjectIdentifier, derOctetString, derTime } from '../../src/tls/der.ts';
import { toAddressBytes, toCanonicalName } from '../../src/tls/general-name.ts';
import {
  buildBasicConstraints,
  buildCertificate,
  buildExtendedKeyUsage,
  buildKeyUsage,
  buildSubjectAlternativeName,
  type CertificateFields,
} from '../../src/tls/x509-builder.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function build(fields: Partial<CertificateFields> = {}): X509Certificate {
  const name = { organization: 'Breakwater', commonName: 'é test' };
  return new X509Certificate(
    buildCertificate({
      serialNumber: Buffer.from([1]),
      issuer: name,
      subject: name,
      notBefore: Date.UTC(2026, 0, 1),
      notAfter: Date.UTC(2027, 0, 1),
      publicKey,
      signingKey: privateKey,
      extensions: [],
      ...fields,
    }),
  );
}

describe('DER', () => {
  it.each([
    ['zero', [0], '020100'],
    ['nothing', [], '020100'],
    ['leading zeros', [0, 0, 5], '020105'],
    ['a high bit, which would mean a negative number', [0x80], '02020080'],
  ])('writes an INTEGER of %s', (_what, bytes, hex) => {
    expect(derInteger(Buffer.from(bytes)).toString('hex')).toBe(hex);
  });

  it.each([
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_536, '0483010000'],
  ])('writes a length of %d', (length, hex) => {
    expect(derOctetString(Buffer.alloc(length)).toString('hex')).toMatch(new RegExp(`^${hex}`));
  });

  it('writes object identifiers with large arcs', () => {
    expect(derObjectIdentifier('1.2.840.113549.1.1.11').toString('hex')).toBe('06092a864886f70d01010b');
    expect(derObjectIdentifier('2.5.29.15').toString('hex')).toBe('0603551d0f');
  });

  it('changes from UTCTime to GeneralizedTime with the year 2050', () => {
    expect(derTime(Date.UTC(2049, 11, 31, 23, 59, 59, 999)).toString('latin1')).toBe('\x17\x0d491231235959Z');
    expect(derTime(Date.UTC(2050, 0, 1)).toString('latin1')).toBe('\x18\x0f20500101000000Z');
  });
});

describe('certificates, as OpenSSL reads them', () => {
  it('carry names, dates, serial number and key', () => {
    const certificate = build({
      serialNumber: Buffer.from('00ff0102', 'hex'),
      notAfter: Date.UTC(2055, 5, 1),
    });
    expect(certificate.subject).toBe('O=Breakwater\nCN=é test');
    expect(certificate.serialNumber).toBe('FF0102');
    expect(certificate.validFromDate).toEqual(new Date(Date.UTC(2026, 0, 1)));
    expect(certificate.validToDate).toEqual(new Date(Date.UTC(2055, 5, 1)));
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    expect(certificate.verify(publicKey)).toBe(true);
  });

  it('are signed by RSA keys too', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const certificate = build({ signingKey: rsa.privateKey });
    expect(certificate.verify(rsa.publicKey)).toBe(true);
    expect(certificate.verify(publicKey)).toBe(false);
  });

  it('carry extensions', () => {
    const certificate = build({
      extensions: [
        buildBasicConstraints({ ca: true, pathLength: 0 }),
        buildKeyUsage('keyCertSign', 'cRLSign'),
        buildExtendedKeyUsage('1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'),
        buildSubjectAlternativeName(['a.test', '127.0.0.1', '::1', '*.b.test']),
      ],
    });
    expect(certificate.ca).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.subjectAltName).toBe(
      'DNS:a.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:*.b.test',
    );
    expect(certificate.checkIP('::1')).toBe('::1');
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '7f000001'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['fe80::1:2', 'fe800000000000000000000000010002'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
  ])('turns %s into its bytes', (address, hex) => {
    expect(toAddressBytes(address).toString('hex')).toBe(hex);
  });

  it('reads every spelling of the same IPv6 address alike', () => {
    assert(
      property(array(integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':');
        const bytes = Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
        expect(toAddressBytes(full)).toEqual(bytes);
        expect(toAddressBytes(toCanonicalName(full))).toEqual(bytes);
      }),
    );
  });
});
