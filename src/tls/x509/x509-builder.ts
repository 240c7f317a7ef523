// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the X.509 library asks for when it loads
import '@abraham/reflection';
import { createPublicKey, webcrypto, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { toKeyIdentifier, type CertificateFields, type DistinguishedName } from './certificate-fields.ts';

// This module and the library below it take about 100 ms to load. It is imported with `import()`, where a certificate
// is issued: most starts find one that is still good.

/** Signs a certificate and returns it as PEM. */
export async function buildCertificate(fields: CertificateFields): Promise<string> {
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(fields.serialNumber).toString('hex'),
      issuer: buildName(fields.issuer),
      subject: buildName(fields.subject),
      notBefore: new Date(fields.notBefore),
      notAfter: new Date(fields.notAfter),
      publicKey: fields.publicKey.export({ type: 'spki', format: 'der' }),
      signingKey: toSigningKey(fields.signingKey),
      extensions: buildExtensions(fields),
    },
    webcrypto,
  );
  return `${certificate.toString('pem')}\n`;
}

function buildExtensions(fields: CertificateFields): Extension[] {
  const { basicConstraints, extendedKeyUsage, subjectAlternativeName, nameConstraints } = fields;
  const subjectKey = toKeyIdentifier(fields.publicKey).toString('hex');
  const issuerKey = toKeyIdentifier(createPublicKey(fields.signingKey)).toString('hex');
  const keyUsage = basicConstraints.ca
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(basicConstraints.ca, basicConstraints.pathLength, true),
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the library's type has no name for two flags together
    new KeyUsagesExtension(keyUsage, true),
  ];
  if (extendedKeyUsage !== undefined) extensions.push(new ExtendedKeyUsageExtension([...extendedKeyUsage]));
  if (subjectAlternativeName !== undefined) {
    const names = subjectAlternativeName.map((value) => ({
      type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
      value,
    }));
    extensions.push(new SubjectAlternativeNameExtension(names));
  }
  if (nameConstraints !== undefined) extensions.push(buildNameConstraints(nameConstraints));
  if (fields.acmeIdentifier !== undefined) extensions.push(buildAcmeIdentifier(fields.acmeIdentifier));
  extensions.push(new SubjectKeyIdentifierExtension(subjectKey));
  if (issuerKey !== subjectKey) extensions.push(new AuthorityKeyIdentifierExtension(issuerKey));
  return extensions;
}

/** Critical, so that a client that does not know the extension refuses the authority altogether. */
function buildNameConstraints(names: readonly string[]): Extension {
  const subtrees = names.map((name) => {
    const base = new GeneralName(name.includes('/') ? { iPAddress: name } : { dNSName: name });
    return new GeneralSubtree({ base });
  });
  const constraints = new NameConstraints({ permittedSubtrees: new GeneralSubtrees(subtrees) });
  return new Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraints));
}

/** `id-pe-acmeIdentifier`, critical, so that no client takes the certificate for a real one. */
function buildAcmeIdentifier(digest: Uint8Array): Extension {
  return new Extension('1.3.6.1.5.5.7.1.31', true, AsnConvert.serialize(new OctetString(digest)));
}

/** As UTF8String throughout (RFC 5280 section 4.1.2.4); left to itself the library chooses by the characters. */
function buildName(name: DistinguishedName): Name {
  const attributes = [];
  if (name.organization !== undefined) attributes.push({ O: [{ utf8String: name.organization }] });
  if (name.commonName !== undefined) attributes.push({ CN: [{ utf8String: name.commonName }] });
  return new Name(attributes);
}

function toSigningKey(key: KeyObject): webcrypto.CryptoKey {
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: 'P-256' };
  return key.toCryptoKey(algorithm, false, ['sign']);
}
