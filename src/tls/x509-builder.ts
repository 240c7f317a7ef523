import { createHash, sign, type KeyObject } from 'node:crypto';
import {
  derBitString,
  derBoolean,
  derConstructed,
  derInteger,
  derNull,
  derObjectIdentifier,
  derOctetString,
  derPrimitive,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from './der.ts';
import { generalName } from './general-name.ts';

/** Everything that goes into one X.509 version 3 certificate (RFC 5280 section 4.1). Times are milliseconds. */
export interface CertificateFields {
  readonly serialNumber: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  /** The issuer's private key, EC or RSA; the signature uses SHA-256. */
  readonly signingKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

export interface DistinguishedName {
  readonly organization?: string;
  readonly commonName?: string;
}

export type KeyUse = 'digitalSignature' | 'keyEncipherment' | 'keyCertSign' | 'cRLSign';

export const serverAuthentication = '1.3.6.1.5.5.7.3.1';
export const clientAuthentication = '1.3.6.1.5.5.7.3.2';

const keyUseBits: { readonly [use in KeyUse]: number } = {
  digitalSignature: 0x80,
  keyEncipherment: 0x20,
  keyCertSign: 0x04,
  cRLSign: 0x02,
};

/** Signs a certificate and returns it as PEM. */
export function buildCertificate(fields: CertificateFields): string {
  const algorithm = buildSignatureAlgorithm(fields.signingKey);
  const toBeSigned = derSequence(
    derConstructed(0, derInteger(Buffer.from([2]))),
    derInteger(fields.serialNumber),
    algorithm,
    buildName(fields.issuer),
    derSequence(derTime(fields.notBefore), derTime(fields.notAfter)),
    buildName(fields.subject),
    fields.publicKey.export({ type: 'spki', format: 'der' }),
    derConstructed(3, derSequence(...fields.extensions)),
  );
  const signature = sign('sha256', toBeSigned, fields.signingKey);
  return toPem('CERTIFICATE', derSequence(toBeSigned, algorithm, derBitString(signature)));
}

/** Identifies a public key inside certificates: 160 bits of SHA-256 over the whole key (RFC 7093 section 2, method 4). */
export function toKeyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

export function buildBasicConstraints(constraints: {
  readonly ca: boolean;
  readonly pathLength?: number;
}): Buffer {
  const parts: Buffer[] = [];
  if (constraints.ca) parts.push(derBoolean(true));
  if (constraints.pathLength !== undefined) parts.push(derInteger(Buffer.from([constraints.pathLength])));
  return buildExtension('2.5.29.19', derSequence(...parts), { critical: true });
}

export function buildKeyUsage(...uses: readonly KeyUse[]): Buffer {
  const bits = uses.reduce((sum, use) => sum | keyUseBits[use], 0);
  // DER drops trailing zero bits of a named bit list (X.690 section 11.2.2).
  const unused = 31 - Math.clz32(bits & -bits);
  return buildExtension('2.5.29.15', derBitString(Buffer.from([bits]), unused), { critical: true });
}

export function buildExtendedKeyUsage(...purposes: readonly string[]): Buffer {
  return buildExtension('2.5.29.37', derSequence(...purposes.map(derObjectIdentifier)));
}

/** DNS names and IP addresses, told apart by their form. */
export function buildSubjectAlternativeName(names: readonly string[]): Buffer {
  return buildExtension('2.5.29.17', derSequence(...names.map(generalName)));
}

export function buildSubjectKeyIdentifier(subjectKey: KeyObject): Buffer {
  return buildExtension('2.5.29.14', derOctetString(toKeyIdentifier(subjectKey)));
}

export function buildAuthorityKeyIdentifier(issuerKey: KeyObject): Buffer {
  return buildExtension('2.5.29.35', derSequence(derPrimitive(0, toKeyIdentifier(issuerKey))));
}

export function buildExtension(
  identifier: string,
  value: Buffer,
  options: { readonly critical: boolean } = { critical: false },
): Buffer {
  const critical = options.critical ? [derBoolean(true)] : [];
  return derSequence(derObjectIdentifier(identifier), ...critical, derOctetString(value));
}

function buildName(name: DistinguishedName): Buffer {
  const attributes: Buffer[] = [];
  if (name.organization !== undefined) attributes.push(buildAttribute('2.5.4.10', name.organization));
  if (name.commonName !== undefined) attributes.push(buildAttribute('2.5.4.3', name.commonName));
  return derSequence(...attributes);
}

function buildAttribute(identifier: string, value: string): Buffer {
  return derSet(derSequence(derObjectIdentifier(identifier), derUtf8String(value)));
}

function buildSignatureAlgorithm(key: KeyObject): Buffer {
  return key.asymmetricKeyType === 'rsa'
    ? derSequence(derObjectIdentifier('1.2.840.113549.1.1.11'), derNull())
    : derSequence(derObjectIdentifier('1.2.840.10045.4.3.2'));
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
