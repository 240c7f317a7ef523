// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the library asks for when it loads
import '@abraham/reflection';
import type { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  GeneralName,
  GeneralSubtree,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_nameConstraints,
  NameConstraints,
  type Extension,
} from '@peculiar/asn1-x509';
import { localNameConstraints } from '../../lib/local-names.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { serverAuthentication, toKeyIdentifier } from '../x509/certificate-fields.ts';

// This module and the library below it take about 100 ms to load; it is imported with `import()`.

/**
 * A certificate becomes a root for every program on the machine only as one of our own authorities: self-signed, named after
 * its key, without authorities below it, for servers only, and limited to names and addresses of this machine and its network.
 * Whoever can replace the file gains nothing that the authority itself does not have. Says what is wrong otherwise.
 */
export function findAuthorityFault(
  certificate: X509Certificate,
): Result<{ readonly name: string; readonly mark: string }, string> {
  const mark = toKeyIdentifier(certificate.publicKey).toString('hex').slice(0, 8);
  const name = `Breakwater local CA ${mark}`;
  const subject = `O=Breakwater\nCN=${name}`;
  if (certificate.subject !== subject) return fail('it does not bear the name of a local authority');
  if (certificate.issuer !== subject || !certificate.verify(certificate.publicKey))
    return fail('it is not signed by its own key');
  const extensions = parseExtensions(certificate);
  if (extensions === undefined) return fail('its extensions cannot be read');
  const fault = findBasicFault(extensions) ?? findPurposeFault(extensions) ?? findConstraintFault(extensions);
  return fault === undefined ? ok({ name, mark }) : fail(fault);
}

function parseExtensions(certificate: X509Certificate): readonly Extension[] | undefined {
  try {
    return AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.extensions ?? [];
  } catch {
    return undefined;
  }
}

function findBasicFault(extensions: readonly Extension[]): string | undefined {
  const basic = parseOnly(extensions, id_ce_basicConstraints, BasicConstraints);
  if (basic?.value.cA !== true) return 'it is not the certificate of an authority';
  return basic.value.pathLenConstraint === 0 ? undefined : 'it allows further authorities below it';
}

function findPurposeFault(extensions: readonly Extension[]): string | undefined {
  const usage = parseOnly(extensions, id_ce_extKeyUsage, ExtendedKeyUsage);
  const purposes = [...(usage?.value ?? [])];
  return purposes.length === 1 && purposes[0] === serverAuthentication
    ? undefined
    : 'it signs for more than servers';
}

/** Both kinds of name must be limited: a kind that is not mentioned is free (RFC 5280 section 4.2.1.10). */
function findConstraintFault(extensions: readonly Extension[]): string | undefined {
  const constraints = parseOnly(extensions, id_ce_nameConstraints, NameConstraints);
  if (constraints?.critical !== true)
    return 'it has no name constraints, so it could sign for any site of the internet';
  const permitted = [...(constraints.value.permittedSubtrees ?? [])];
  const known = new Set(localNameConstraints.map(buildSubtree));
  if (permitted.some((subtree) => !known.has(toKey(subtree))))
    return 'its name constraints allow names of the internet';
  const isLimited =
    permitted.some(({ base }) => base.dNSName !== undefined) &&
    permitted.some(({ base }) => base.iPAddress !== undefined);
  return isLimited ? undefined : 'its name constraints leave a kind of name free';
}

function buildSubtree(name: string): string {
  const base = new GeneralName(name.includes('/') ? { iPAddress: name } : { dNSName: name });
  return toKey(new GeneralSubtree({ base }));
}

function toKey(subtree: GeneralSubtree): string {
  return Buffer.from(AsnConvert.serialize(subtree)).toString('hex');
}

/** An extension that stands there twice is none: clients differ in which of the two they obey. */
function parseOnly<T>(
  extensions: readonly Extension[],
  id: string,
  form: new () => T,
): { readonly value: T; readonly critical: boolean } | undefined {
  const [extension, second] = extensions.filter(({ extnID }) => extnID === id);
  if (extension === undefined || second !== undefined) return undefined;
  try {
    return { value: AsnConvert.parse(extension.extnValue.buffer, form), critical: extension.critical };
  } catch {
    return undefined;
  }
}
