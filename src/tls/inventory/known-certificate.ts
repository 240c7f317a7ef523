import type { X509Certificate } from 'node:crypto';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import { isNameAmong, toFacts } from '../tls-material.ts';
import type { RenewalRecord } from '../automation/renewal-record.ts';

/** A certificate that a state directory or a configuration knows of, as it is on disk. */
export interface KnownCertificate {
  /** What commands call it: the name it was obtained for, or the first one in it. */
  readonly name: string;
  /** `authority` is the local certificate authority itself. */
  readonly origin: 'acme' | 'files' | 'local-ca' | 'authority';
  /** The leaf and its chain, as they are sent; empty when there is none, or none that can be read. */
  readonly certificates: readonly X509Certificate[];
  /** Absolute paths; the same twice where one file holds both. */
  readonly files: { readonly certificate: string; readonly key: string };
  /** Wall-clock milliseconds from which on Breakwater replaces it by itself. */
  readonly renewsAt: number | undefined;
  /** Only with `acme`. */
  readonly record: RenewalRecord | undefined;
  /** Why it cannot be used as it is. */
  readonly problem: Diagnostic | undefined;
}

export type CertificateState =
  | 'valid'
  /** Renewal is to happen now. */
  | 'due'
  /** The last attempt failed; the certificate, if there is one, is still valid. */
  | 'failing'
  | 'expired'
  /** Not valid yet, or the clock is wrong. */
  | 'early'
  /** Being obtained for the first time. */
  | 'awaited'
  | 'damaged';

/** Where a certificate stands at `now`, in wall-clock milliseconds. */
export function toState(
  { certificates, problem, record, renewsAt }: KnownCertificate,
  now: number,
): CertificateState {
  const [leaf] = certificates;
  if (problem !== undefined) return 'damaged';
  const isFailing = (record?.failures ?? 0) > 0;
  if (leaf === undefined) return isFailing ? 'failing' : 'awaited';
  const { notBefore, notAfter } = toFacts(leaf);
  if (now >= notAfter) return 'expired';
  if (now < notBefore) return 'early';
  if (isFailing) return 'failing';
  return renewsAt !== undefined && now >= renewsAt ? 'due' : 'valid';
}

/** The certificate of this name; else one that covers it. */
export function findCertificate(
  known: readonly KnownCertificate[],
  wanted: string,
): KnownCertificate | undefined {
  const name = toCanonicalName(wanted);
  return (
    known.find((certificate) => certificate.name === name) ??
    known.find(({ certificates: [leaf] }) => leaf !== undefined && isNameAmong(toFacts(leaf).names, name))
  );
}
