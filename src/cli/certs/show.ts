import { errorCodes } from '../../lib/error-codes.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { suggestion, toHint } from '../../lib/suggestion.ts';
import { listCertificates } from '../../tls/inventory/certificate-inventory.ts';
import { findCertificate, toState, type KnownCertificate } from '../../tls/inventory/known-certificate.ts';
import { toFacts, toOneLine } from '../../tls/tls-material.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import {
  describeKey,
  formatEnd,
  formatMoment,
  originTitles,
  stateTitles,
  toCertificateJson,
} from './certificate-text.ts';
import { findSource, type CertsOptions } from './source.ts';

/** Everything about one certificate. */
export async function runShow(
  options: CertsOptions & { readonly name: string },
  context: CliContext,
  now: number = Date.now(),
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const known = getCertificate(await listCertificates(source.value), options.name);
  const state = toState(known, now);
  if (context.json) {
    writeEnvelope(context, 'certs-show', { certificate: toCertificateJson(known, state) });
    return 0;
  }
  const rows: readonly (readonly [string, string])[] = [
    ['name', known.name],
    ['state', stateTitles[state]],
    ['origin', originTitles[known.origin]],
    ...describeLeaf(known, now),
    ...describeRenewal(known),
    ...(known.problem === undefined ? [] : [['problem', known.problem.message] as const]),
    ['certificate', known.files.certificate],
    ['key file', known.files.key],
  ];
  context.io.stdout.write(rows.map(([key, value]) => `${key.padEnd(12)}  ${toPrintable(value)}\n`).join(''));
  return 0;
}

/** The certificate that is wanted. Throws a GatewayError (E_CERT_UNKNOWN). */
export function getCertificate(known: readonly KnownCertificate[], wanted: string): KnownCertificate {
  const found = findCertificate(known, wanted);
  if (found !== undefined) return found;
  const meant = suggestion(
    wanted,
    known.map(({ name }) => name),
  );
  throw new GatewayError('E_CERT_UNKNOWN', `there is no certificate for \`${toPrintable(wanted)}\``, {
    hint: toHint(meant, errorCodes.E_CERT_UNKNOWN.fix),
  });
}

type Rows = readonly (readonly [string, string])[];

function describeLeaf({ certificates }: KnownCertificate, now: number): Rows {
  const [leaf, ...chain] = certificates;
  if (leaf === undefined) return [];
  const { names, issuer, serialNumber, notBefore, notAfter } = toFacts(leaf);
  return [
    ...(names.length > 0 ? [['names', names.join(', ')] as const] : []),
    ['issuer', issuer],
    ['serial', serialNumber],
    ['begins', formatMoment(notBefore)],
    ['ends', formatEnd(notAfter, now)],
    ['key', describeKey(leaf)],
    ['fingerprint', `SHA-256 ${leaf.fingerprint256}`],
    ...chain.map(
      (certificate, index) => [index === 0 ? 'chain' : '', toOneLine(certificate.subject)] as const,
    ),
  ];
}

function describeRenewal({ record, renewsAt, certificates }: KnownCertificate): Rows {
  const rows: (readonly [string, string])[] = [];
  if (renewsAt !== undefined) rows.push(['renews', `from ${formatMoment(renewsAt)} on, by itself`]);
  if (record === undefined) return rows;
  const { issuer, obtainedAt, window, failures, lastFailure, nextAttemptAt, step } = record;
  if (issuer !== undefined) {
    const when = obtainedAt === undefined ? '' : `, ${formatMoment(obtainedAt)}`;
    rows.push(['obtained', `from ${issuer}${when}`]);
  }
  const [leaf] = certificates;
  if (window !== undefined && window.serialNumber === leaf?.serialNumber) {
    rows.push(['window', `${formatMoment(window.windowStart)} to ${formatMoment(window.windowEnd)}`]);
    if (window.explanationUrl !== undefined) rows.push(['', `because of ${window.explanationUrl}`]);
  }
  if (step !== undefined) rows.push(['under way', step]);
  if (lastFailure !== undefined && failures > 0) {
    rows.push(['failed', `${formatMoment(lastFailure.at)}, ${failures} in a row`]);
    rows.push(['', `${lastFailure.code}: ${lastFailure.message}`]);
    if (nextAttemptAt !== undefined) rows.push(['next attempt', formatMoment(nextAttemptAt)]);
  }
  return rows;
}
