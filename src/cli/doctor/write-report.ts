import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buildBundle } from '../../doctor/bundle.ts';
import type { Facts } from '../../doctor/facts.ts';
import type { Report } from '../../doctor/report.ts';
import { formatHtml } from '../../doctor/report/html.ts';
import { toJson } from '../../doctor/report/json.ts';
import { formatJunit } from '../../doctor/report/junit.ts';
import { formatSarif } from '../../doctor/report/sarif.ts';
import { formatText } from '../../doctor/report/text.ts';
import { usesColor, writeEnvelope, type CliContext } from '../context.ts';

export type ReportFormat = 'text' | 'html' | 'sarif' | 'junit';

export interface WriteReportOptions {
  readonly format: ReportFormat;
  readonly output?: string;
  readonly verbose?: boolean;
}

/** Writes the report where and how it was asked for. */
export async function writeReport(
  report: Report,
  { format, output, verbose = false }: WriteReportOptions,
  context: CliContext,
): Promise<void> {
  const { stdout, unicode, cwd } = context.io;
  if (context.json && output === undefined) {
    writeEnvelope(context, 'doctor', toJson(report));
    return;
  }
  const color = context.color === 'auto' ? stdout.hasColors : usesColor(context);
  const text =
    format === 'text'
      ? formatText(report, { color, unicode, width: stdout.columns, verbose })
      : formats[format](report);
  if (output === undefined) stdout.write(text);
  else await writeFile(resolve(cwd, output), text);
}

const formats = { html: formatHtml, sarif: formatSarif, junit: formatJunit } as const;

/** Only the owner may read facts: they tell of hosts and servers that are nobody else's business. */
export async function writeFacts(facts: Facts, path: string): Promise<void> {
  await writeFile(path, `${JSON.stringify(facts, undefined, 2)}\n`, { mode: 0o600 });
}

/** Says what goes into the archive, and what was taken out, before it is written. Nothing is sent anywhere. */
export async function writeBundle(report: Report, path: string, { io }: CliContext): Promise<void> {
  const { bytes, files, removed } = buildBundle(report);
  const rows = files.map((file) => `  ${file.path} (${file.bytes} bytes)`);
  io.stderr.write(`${[`${path}:`, ...rows, `  without ${removed.join(', ')}`].join('\n')}\n`);
  await writeFile(path, bytes, { mode: 0o600 });
}
