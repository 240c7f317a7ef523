import {
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '../../../src/lib/clock.ts';
import {
  serverAuthentication,
  toKeyIdentifier,
  type DistinguishedName,
} from '../../../src/tls/x509/certificate-fields.ts';
import { buildCertificate } from '../../../src/tls/x509/x509-builder.ts';
import type { Fault } from './faults.ts';

export type WrongCertificate = Extract<Fault, { kind: 'wrongCertificate' }>['how'];
export type WrongChain = Extract<Fault, { kind: 'wrongChain' }>['how'];

export interface LeafRequest {
  readonly names: readonly string[];
  readonly publicKey: KeyObject;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly commonName: string | undefined;
  readonly wrong: WrongCertificate | undefined;
}

export interface Leaf {
  readonly certificate: string;
  readonly serialNumber: string;
  /** RFC 9773 section 4.1. */
  readonly certId: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Signs leafs below an intermediate, which one root or several vouch for. */
export interface SigningAuthority {
  /** PEM, the default one first. */
  readonly roots: readonly [string, ...string[]];
  issue(request: LeafRequest): Promise<Leaf>;
  /** PEM of a leaf and what leads to the root of that index, as it is downloaded. */
  buildChain(leaf: string, root: number, wrong: WrongChain | undefined): string;
}

const hour = 3_600_000;
const year = 365 * 24 * hour;
const generate = promisify(generateKeyPair);

interface Signer {
  readonly name: DistinguishedName;
  readonly key: KeyObject;
}

/** Makes new roots and an intermediate that are valid for 400 days of tests and long after. */
export async function createSigningAuthority(
  clock: Clock,
  alternateRoots: number,
): Promise<SigningAuthority> {
  const start = clock.now() - 24 * hour;
  const intermediate = createSigner('Stub Intermediate');
  const signRoot = async (index: number): Promise<{ root: string; cross: string }> => {
    const signer = createSigner(`Stub Root ${index + 1}`);
    const root = await sign(signer, signer, { start, years: 20, pathLength: undefined });
    return { root, cross: await sign(intermediate, signer, { start, years: 10, pathLength: 0 }) };
  };
  const first = await signRoot(0);
  const others = await Promise.all(Array.from({ length: alternateRoots }, (_, index) => signRoot(index + 1)));
  const all = [first, ...others];
  const authorityKey = toKeyIdentifier(createPublicKey(intermediate.key)).toString('base64url');

  return {
    roots: [first.root, ...others.map(({ root }) => root)],
    async issue({ names, publicKey, lifetime, commonName, wrong }) {
      const serial = createSerialNumber();
      const now = clock.now();
      // Backdated by an hour, as Let's Encrypt does for clients whose clock is slow. The last second counts (RFC 5280).
      const notBefore = now - hour + toShift(wrong, lifetime);
      const notAfter = notBefore + lifetime - 1000;
      const stranger = wrong === 'strangerSigned' ? createSigner('Stub Intermediate') : undefined;
      const certificate = await buildCertificate({
        serialNumber: serial,
        issuer: intermediate.name,
        subject: commonName === undefined ? {} : { commonName },
        notBefore,
        notAfter,
        publicKey: wrong === 'foreignKey' ? await createForeignKey() : publicKey,
        signingKey: stranger?.key ?? intermediate.key,
        basicConstraints: { ca: false },
        extendedKeyUsage: [serverAuthentication],
        subjectAlternativeName: wrong === 'otherNames' ? ['other.example.net'] : names,
      });
      return {
        certificate,
        serialNumber: toPrintedSerial(serial),
        certId: `${authorityKey}.${Buffer.from(serial).toString('base64url')}`,
        notBefore,
        notAfter,
      };
    },
    buildChain(leaf, root, wrong) {
      const cross = all[root]?.cross ?? first.cross;
      switch (wrong) {
        case undefined:
          return `${leaf}${cross}`;
        case 'truncated':
          return leaf;
        case 'reversed':
          return `${cross}${leaf}`;
        case 'empty':
          return '';
        case 'notPem':
          return '<html><body>your certificate is ready</body></html>';
      }
    },
  };
}

function createSigner(commonName: string): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { name: { organization: 'Stub', commonName }, key: privateKey };
}

function sign(
  subject: Signer,
  issuer: Signer,
  options: { readonly start: number; readonly years: number; readonly pathLength: number | undefined },
): Promise<string> {
  const { start, years, pathLength } = options;
  return buildCertificate({
    serialNumber: createSerialNumber(),
    issuer: issuer.name,
    subject: subject.name,
    notBefore: start,
    notAfter: start + years * year,
    publicKey: createPublicKey(subject.key),
    signingKey: issuer.key,
    basicConstraints: { ca: true, ...(pathLength === undefined ? {} : { pathLength }) },
  });
}

async function createForeignKey(): Promise<KeyObject> {
  return (await generate('ec', { namedCurve: 'P-256' })).publicKey;
}

/** Half of them start with a zero byte, since a positive number needs one before a set highest bit (X.690 section 8.3). */
function createSerialNumber(): Uint8Array {
  const number = randomBytes(16);
  number.writeUInt8((number.readUInt8(0) % 0xff) + 1, 0);
  return number.readUInt8(0) > 0x7f ? Buffer.concat([Buffer.of(0), number]) : number;
}

function toPrintedSerial(serial: Uint8Array): string {
  return Buffer.from(serial)
    .toString('hex')
    .replace(/^(00)+/, '')
    .toUpperCase();
}

function toShift(wrong: WrongCertificate | undefined, lifetime: number): number {
  if (wrong === 'expired') return -lifetime - hour;
  return wrong === 'notYetValid' ? 72 * hour : 0;
}
