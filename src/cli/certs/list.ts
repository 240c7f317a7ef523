import { toPrintable } from '../../lib/printable.ts';
import { listCertificates } from '../../tls/inventory/certificate-inventory.ts';
import { toState, type KnownCertificate } from '../../tls/inventory/known-certificate.ts';
import { toFacts } from '../../tls/tls-material.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import {
  describeIssuer,
  formatDay,
  formatEnd,
  formatMoment,
  stateTitles,
  toCertificateJson,
} from './certificate-text.ts';
import { findSource, type CertsOptions } from './source.ts';

/** Every certificate that is known, one line each; what fails gets a second line with the reason. */
export async function runList(
  options: CertsOptions,
  context: CliContext,
  now: number = Date.now(),
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const known = await listCertificates(source.value);
  const { stateDir } = source.value;
  if (context.json) {
    const certificates = known.map((certificate) =>
      toCertificateJson(certificate, toState(certificate, now)),
    );
    writeEnvelope(context, 'certs-list', { stateDir, certificates });
    return 0;
  }
  const { stdout, stderr } = context.io;
  if (known.length === 0) stderr.write(`no certificates in ${stateDir}\n`);
  else stdout.write(buildTable(known, now));
  return 0;
}

const headings = ['NAME', 'ISSUER', 'ENDS', 'RENEWS', 'STATE'];

function buildTable(known: readonly KnownCertificate[], now: number): string {
  const rows = known.map((certificate) => toRow(certificate, now));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  const write = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [write(headings), ...rows.flatMap(({ cells, notes }) => [write(cells), ...notes])]
    .map((line) => `${line}\n`)
    .join('');
}

interface Row {
  readonly cells: readonly string[];
  readonly notes: readonly string[];
}

function toRow(known: KnownCertificate, now: number): Row {
  const { name, certificates, record, renewsAt, problem } = known;
  const [leaf] = certificates;
  const failure = (record?.failures ?? 0) > 0 ? record?.lastFailure : undefined;
  const next = record?.nextAttemptAt;
  const notes = [
    ...(problem === undefined ? [] : [problem.message]),
    ...(failure === undefined
      ? []
      : [
          `${failure.code}: ${failure.message}${next === undefined ? '' : `; next attempt ${formatMoment(next)}`}`,
        ]),
  ];
  return {
    cells: [
      name,
      leaf === undefined ? '-' : describeIssuer(leaf),
      leaf === undefined ? '-' : formatEnd(toFacts(leaf).notAfter, now),
      renewsAt === undefined ? '-' : formatDay(renewsAt),
      stateTitles[toState(known, now)],
    ].map(toPrintable),
    notes: notes.map((note) => `  ${toPrintable(note)}`),
  };
}
