import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { serverAuthentication } from '../../src/tls/x509/certificate-fields.ts';
import { buildCertificate } from '../../src/tls/x509/x509-builder.ts';

export interface TestCertificateOptions {
  /** DNS names and addresses; the first also names the subject. */
  readonly names?: readonly string[];
  /** Life in days from `notBefore`; 30 when absent. */
  readonly days?: number;
  /** Wall-clock milliseconds; one hour ago when absent. */
  readonly notBefore?: number;
  readonly keyType?: 'ec' | 'rsa' | 'rsa-1024';
  readonly ca?: boolean;
  /** Signs the certificate; it signs itself when absent. */
  readonly issuer?: TestCertificate;
  /** Object identifiers; server authentication when absent. */
  readonly purposes?: readonly string[];
  /** Makes the certificate for a key that exists. */
  readonly key?: string;
}

export interface TestCertificate {
  readonly commonName: string;
  /** PEM of this certificate alone. */
  readonly cert: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

const hour = 3_600_000;

/** Makes a certificate and its key for a test; nothing about it is cached or shared. */
export async function createTestCertificate(options: TestCertificateOptions = {}): Promise<TestCertificate> {
  const names = options.names ?? ['localhost', '127.0.0.1', '::1'];
  const commonName = names[0] ?? 'nameless';
  const privateKey =
    options.key === undefined ? createKey(options.keyType ?? 'ec') : createPrivateKey(options.key);
  const publicKey = createPublicKey(privateKey);
  const signingKey = options.issuer === undefined ? privateKey : createPrivateKey(options.issuer.key);
  const notBefore = options.notBefore ?? Date.now() - hour;
  const ca = options.ca ?? false;
  const cert = await buildCertificate({
    serialNumber: Buffer.concat([Buffer.from([0x51]), randomBytes(8)]),
    issuer: { commonName: options.issuer?.commonName ?? commonName },
    subject: { commonName },
    notBefore,
    notAfter: notBefore + (options.days ?? 30) * 24 * hour,
    publicKey,
    signingKey,
    basicConstraints: { ca },
    ...(ca ? {} : { extendedKeyUsage: options.purposes ?? [serverAuthentication] }),
    ...(ca || names.length === 0 ? {} : { subjectAlternativeName: names }),
  });
  return { commonName, cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** A root, an intermediate and a leaf for the given names. */
export async function createTestChain(options: Omit<TestCertificateOptions, 'issuer' | 'ca'> = {}): Promise<{
  readonly root: TestCertificate;
  readonly intermediate: TestCertificate;
  readonly leaf: TestCertificate;
}> {
  const root = await createTestCertificate({ names: ['Test Root'], ca: true, days: 400 });
  const intermediate = await createTestCertificate({
    names: ['Test Intermediate'],
    ca: true,
    days: 300,
    issuer: root,
  });
  return { root, intermediate, leaf: await createTestCertificate({ ...options, issuer: intermediate }) };
}

function createKey(keyType: NonNullable<TestCertificateOptions['keyType']>): KeyObject {
  switch (keyType) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    case 'rsa-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  }
}
