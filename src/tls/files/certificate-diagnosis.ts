import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { isChainComplete, type CertificateChain } from './certificate-chain.ts';
import { serverAuthentication } from '../x509/certificate-fields.ts';
import { toFacts, toOneLine } from '../tls-material.ts';

export interface DiagnosisInput {
  readonly file: string;
  readonly leaf: X509Certificate;
  readonly chain: CertificateChain;
  /** All certificates as the file has them. */
  readonly given: readonly X509Certificate[];
  readonly domains: readonly string[];
  /** Wall-clock milliseconds. */
  readonly now: number;
  readonly roots: Iterable<X509Certificate>;
}

/** What clients will object to in a certificate that can be served. */
export function diagnoseCertificate(input: DiagnosisInput): readonly Diagnostic[] {
  return [
    ...diagnoseValidity(input),
    ...diagnoseNames(input),
    ...diagnosePurpose(input),
    ...diagnoseOrder(input),
    ...diagnoseGap(input),
  ];
}

/** True when a client that asks for `name` accepts the certificate (RFC 9525 section 6.3: no common name, whole labels only). */
function isNameCovered(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  if (name.startsWith('*.')) return toFacts(certificate).names.includes(name);
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

function diagnoseValidity(input: DiagnosisInput): readonly Diagnostic[] {
  return [input.leaf, ...input.chain.intermediates].flatMap((certificate) => {
    const { notBefore, notAfter } = toFacts(certificate);
    const which =
      certificate === input.leaf
        ? 'the certificate'
        : `the intermediate certificate \`${toOneLine(certificate.subject)}\``;
    if (input.now > notAfter)
      return [warn(input, 'E_TLS_EXPIRED', `${which} expired on ${toDate(notAfter)}`)];
    if (input.now < notBefore) {
      return [warn(input, 'E_TLS_NOT_YET_VALID', `${which} becomes valid on ${toDate(notBefore)}`)];
    }
    return [];
  });
}

function diagnoseNames(input: DiagnosisInput): readonly Diagnostic[] {
  const { names } = toFacts(input.leaf);
  const covered = names.length === 0 ? 'no name at all' : names.slice(0, 5).join(', ');
  return input.domains
    .filter((domain) => !isNameCovered(input.leaf, domain))
    .map((domain) =>
      warn(
        input,
        'E_TLS_NAME_UNCOVERED',
        `the certificate does not cover \`${domain}\`; it covers ${covered}`,
      ),
    );
}

/** `keyUsage` of Node's class lists the extended key usages; without that extension any use is allowed. */
function diagnosePurpose(input: DiagnosisInput): readonly Diagnostic[] {
  if (input.leaf.ca) {
    return [
      warn(input, 'E_TLS_PURPOSE', 'the certificate belongs to a certificate authority, not to a server'),
    ];
  }
  // Typed as an array, but absent when the extension is.
  const purposes: readonly string[] | undefined = input.leaf.keyUsage;
  return purposes === undefined || purposes.includes(serverAuthentication) || purposes.includes(anyPurpose)
    ? []
    : [warn(input, 'E_TLS_PURPOSE', 'the certificate was not issued for TLS servers')];
}

const anyPurpose = '2.5.29.37.0';

function diagnoseOrder(input: DiagnosisInput): readonly Diagnostic[] {
  const { leaf, chain, given } = input;
  if (chain.unused.length > 0) {
    const names = chain.unused.map((certificate) => `\`${toOneLine(certificate.subject)}\``).join(', ');
    return [warn(input, 'E_TLS_CHAIN', `certificates that are no part of the chain are not sent: ${names}`)];
  }
  const ordered = [leaf, ...chain.intermediates].every((certificate, index) => certificate === given[index]);
  return ordered
    ? []
    : [warn(input, 'E_TLS_CHAIN', 'the chain is out of order; it is sent in the right order')];
}

function diagnoseGap(input: DiagnosisInput): readonly Diagnostic[] {
  const last = input.chain.intermediates.at(-1) ?? input.leaf;
  if (isChainComplete(last, input.roots)) return [];
  const issuer = toOneLine(last.issuer);
  return [
    warn(
      input,
      'E_TLS_CHAIN',
      `the certificate of the issuer \`${issuer}\` is not in the file, and it is no root known here`,
    ),
  ];
}

function warn(input: DiagnosisInput, code: Diagnostic['code'], message: string): Diagnostic {
  return { severity: 'warning', code, message, file: input.file };
}

function toDate(milliseconds: number): string {
  return new Date(milliseconds)
    .toISOString()
    .replace(/:\d\d\.\d+Z$/, ' UTC')
    .replace('T', ' ');
}
