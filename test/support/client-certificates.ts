import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the X.509 library asks for when it loads
import '@abraham/reflection';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Name,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
  type JsonGeneralNames,
  type JsonNameParams,
} from '@peculiar/x509';
import { createTestCertificate, type TestCertificate } from './certificates.ts';

const clientAuthentication = '1.3.6.1.5.5.7.3.2';

export interface ClientCertificateOptions {
  readonly issuer: TestCertificate;
  /** Attributes in the order of the certificate, the organisation first; `O=Example, CN=ci` when absent. */
  readonly subject?: JsonNameParams;
  readonly alternativeNames?: JsonGeneralNames;
  /** Object identifiers; client authentication when absent. */
  readonly purposes?: readonly string[];
  /** Wall-clock milliseconds; one hour ago when absent. */
  readonly notBefore?: number;
  /** Days from `notBefore`; 30 when absent. */
  readonly days?: number;
}

export interface ClientCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
}

const hour = 3_600_000;
const signing = { name: 'ECDSA', hash: 'SHA-256' };

/** An authority that signs for clients. */
export function createClientAuthority(commonName = 'Client CA'): Promise<TestCertificate> {
  return createTestCertificate({ names: [commonName], ca: true });
}

/** A certificate of a client, with whatever subject and names an attacker could get signed. */
export async function createClientCertificate(options: ClientCertificateOptions): Promise<ClientCertificate> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { issuer, alternativeNames, subject = [{ O: ['Example'] }, { CN: ['ci'] }] } = options;
  const serialNumber = `51${randomBytes(8).toString('hex')}`;
  const notBefore = options.notBefore ?? Date.now() - hour;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber,
      issuer: toName(issuer),
      subject: new Name(subject),
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + (options.days ?? 30) * 24 * hour),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      signingKey: toSigningKey(issuer),
      signingAlgorithm: signing,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new ExtendedKeyUsageExtension([...(options.purposes ?? [clientAuthentication])]),
        ...(alternativeNames === undefined ? [] : [new SubjectAlternativeNameExtension(alternativeNames)]),
      ],
    },
    webcrypto,
  );
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    serialNumber,
  };
}

/** PEM of a revocation list. */
export async function createRevocationList(options: {
  readonly issuer: TestCertificate;
  readonly revoked?: readonly { readonly serialNumber: string }[];
  /** Wall-clock milliseconds; one hour ago when absent. */
  readonly thisUpdate?: number;
  /** Wall-clock milliseconds; in an hour when absent. */
  readonly nextUpdate?: number;
}): Promise<string> {
  const { issuer, revoked = [] } = options;
  const list = await X509CrlGenerator.create(
    {
      issuer: toName(issuer),
      thisUpdate: new Date(options.thisUpdate ?? Date.now() - hour),
      nextUpdate: new Date(options.nextUpdate ?? Date.now() + hour),
      // Without a reason the library writes an empty list of extensions, which BoringSSL does not read.
      entries: revoked.map(({ serialNumber }) => ({
        serialNumber,
        revocationDate: new Date(),
        reason: X509CrlReason.keyCompromise,
      })),
      signingKey: toSigningKey(issuer),
      signingAlgorithm: signing,
    },
    webcrypto,
  );
  // The label that OpenSSL knows (RFC 7468 section 6); the library has one of its own.
  return `${list.toString('pem')}\n`.replaceAll('CRL-----', 'X509 CRL-----');
}

function toName({ commonName }: TestCertificate): Name {
  return new Name([{ CN: [{ utf8String: commonName }] }]);
}

function toSigningKey({ key }: TestCertificate): webcrypto.CryptoKey {
  const privateKey = createPrivateKey(key);
  const { namedCurve } = createPublicKey(privateKey).asymmetricKeyDetails ?? {};
  if (namedCurve !== 'prime256v1') throw new Error('client authorities of tests have P-256 keys');
  return privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
