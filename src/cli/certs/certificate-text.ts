import type { X509Certificate } from 'node:crypto';
import { toFacts, toOneLine } from '../../tls/tls-material.ts';
import type { CertificateState, KnownCertificate } from '../../tls/inventory/known-certificate.ts';

const day = 86_400_000;

export const originTitles: { readonly [origin in KnownCertificate['origin']]: string } = {
  acme: 'obtained and renewed over ACME',
  files: 'your own files',
  'local-ca': 'local certificate authority, renewed by itself',
  authority: 'the local certificate authority itself, which clients have to trust',
};

export const stateTitles: { readonly [state in CertificateState]: string } = {
  valid: 'valid',
  due: 'renewal is due',
  failing: 'renewal fails',
  expired: 'expired',
  early: 'not valid yet',
  awaited: 'being obtained',
  damaged: 'cannot be used',
};

/** `2027-02-20`, in UTC. */
export function formatDay(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** `2027-02-20 10:00 UTC`. */
export function formatMoment(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2027-02-20 (86 days)`; after the end `(ended 3 days ago)`, on the last day `(5 hours)`. */
export function formatEnd(notAfter: number, now: number): string {
  const left = notAfter - now;
  const [size, unit] = Math.abs(left) < 2 * day ? [day / 24, 'hour'] : [day, 'day'];
  const amount = Math.floor(Math.abs(left) / size);
  const span = `${amount} ${unit}${amount === 1 ? '' : 's'}`;
  return `${formatDay(notAfter)} (${left < 0 ? `ended ${span} ago` : span})`;
}

/** Organisation and common name of whoever signed: `Let's Encrypt R11`. */
export function describeIssuer(certificate: X509Certificate): string {
  const entry = (key: string): string =>
    certificate.issuer
      .split('\n')
      .find((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1) ?? '';
  const [organisation, name] = [entry('O'), entry('CN')];
  if (organisation === '' || name.startsWith(organisation)) return name || toOneLine(certificate.issuer);
  return `${organisation} ${name}`.trim();
}

/** `ECDSA P-256`, `RSA 2048`. */
export function describeKey({ publicKey }: X509Certificate): string {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = publicKey;
  const curves: { readonly [name: string]: string } = {
    prime256v1: 'P-256',
    secp384r1: 'P-384',
    secp521r1: 'P-521',
  };
  if (type === 'ec') return `ECDSA ${curves[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''}`.trim();
  if (type === 'rsa') return `RSA ${details?.modulusLength ?? ''}`.trim();
  return type;
}

/** What a program wants to know of a certificate; times are ISO 8601 in UTC. */
export function toCertificateJson(known: KnownCertificate, state: CertificateState): object {
  const { name, origin, certificates, files, renewsAt, record, problem } = known;
  const [leaf] = certificates;
  const facts = leaf && toFacts(leaf);
  const iso = (milliseconds: number | undefined): string | null =>
    milliseconds === undefined ? null : new Date(milliseconds).toISOString();
  const failure = record?.lastFailure;
  return {
    name,
    origin,
    state,
    names: facts?.names ?? [],
    issuer: facts?.issuer ?? null,
    serialNumber: facts?.serialNumber ?? null,
    notBefore: iso(facts?.notBefore),
    notAfter: iso(facts?.notAfter),
    renewsAt: iso(renewsAt),
    fingerprint256: leaf?.fingerprint256 ?? null,
    key: leaf === undefined ? null : describeKey(leaf),
    chain: certificates.slice(1).map(({ subject }) => toOneLine(subject)),
    files,
    failures: record?.failures ?? 0,
    lastFailure:
      failure === undefined
        ? null
        : { ...failure, at: iso(failure.at), nextAttemptAt: iso(record?.nextAttemptAt) },
    window:
      record?.window === undefined
        ? null
        : {
            start: iso(record.window.windowStart),
            end: iso(record.window.windowEnd),
            explanationUrl: record.window.explanationUrl ?? null,
          },
    problem: problem?.message ?? null,
  };
}
