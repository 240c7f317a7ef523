import { allChecks, findCheck } from '../../doctor/all-checks.ts';
import type { Check } from '../../doctor/check.ts';
import { errorCodes, type ErrorCode } from '../../lib/error-codes.ts';
import type { ErrorEntry } from '../../lib/error-entry.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { suggestion, toHint } from '../../lib/suggestion.ts';
import { wrapWords } from '../../lib/wrap-words.ts';
import { requirements } from '../../render/requirements.ts';
import type { FindingEntry } from '../../render/lint/finding.ts';
import { findEntry, findingTable, suggestFinding } from '../../render/lint/findings.ts';
import { writeEnvelope, type CliContext } from '../context.ts';

/** Explains one code or finding, or lists all codes. The spelling is forgiving: `config-value` is `E_CONFIG_VALUE`. */
export function runExplain(wanted: string | undefined, context: CliContext): number {
  const finding = wanted === undefined ? undefined : findEntry(wanted.toLowerCase());
  if (finding !== undefined) return explainFinding(finding, context);
  const check = wanted === undefined ? undefined : findCheck(wanted.toLowerCase());
  if (check !== undefined) return explainCheck(check, context);
  const codes = wanted === undefined ? listCodes() : [findCode(wanted)];
  const { stdout } = context.io;
  if (context.json) {
    writeEnvelope(context, 'explain', { errors: codes.map((code) => ({ code, ...errorCodes[code] })) });
  } else if (wanted === undefined) {
    const width = Math.max(...codes.map((code) => code.length));
    stdout.write(codes.map((code) => `${code.padEnd(width)}  ${errorCodes[code].title}\n`).join(''));
  } else {
    const width = Math.min(stdout.columns, 100);
    stdout.write(codes.map((code) => describe(code, { entry: errorCodes[code], width })).join('\n'));
  }
  return 0;
}

/** Everything that has an explanation, for completion. */
export function listExplained(): string[] {
  return [...listCodes(), ...findingTable.map(({ id }) => id), ...allChecks.map(({ id }) => id)];
}

function listCodes(): ErrorCode[] {
  return Object.keys(errorCodes).filter(isErrorCode);
}

function findCode(wanted: string): ErrorCode {
  const spelled = wanted.toUpperCase().replaceAll('-', '_');
  const code = spelled.startsWith('E_') ? spelled : `E_${spelled}`;
  if (isErrorCode(code)) return code;
  const meant =
    suggestion(code, listCodes()) ??
    suggestFinding(wanted.toLowerCase()) ??
    suggestion(
      wanted,
      allChecks.map(({ id }) => id),
    );
  throw new GatewayError('E_USAGE', `\`${wanted}\` is not an error code`, {
    hint: toHint(meant, 'run `breakwater explain` to list all codes'),
  });
}

function explainCheck({ judge: _judge, ...check }: Check, context: CliContext): number {
  if (context.json) {
    writeEnvelope(context, 'explain', { checks: [check] });
    return 0;
  }
  const { id, title, why, advice, severity, layer, reference, cap } = check;
  const width = Math.min(context.io.stdout.columns, 100);
  const paragraphs = [
    `${id}: a check of \`breakwater doctor\``,
    `right: ${title}`,
    `breaks: ${why}`,
    `fix: ${advice}`,
    `layer ${layer}, severity ${severity}${cap === undefined ? '' : `, no better grade than ${cap}`}; see ${reference}`,
  ];
  context.io.stdout.write(`${paragraphs.map((text) => wrapWords(text, width).join('\n')).join('\n\n')}\n`);
  return 0;
}

function explainFinding(entry: FindingEntry, context: CliContext): number {
  const { title, breaks, reference } = requirements[entry.requirement];
  const facts = { title: entry.title, severity: entry.severity, requirement: entry.requirement };
  const told = { ...facts, breaks: entry.breaks ?? breaks, right: title, reference };
  if (context.json) {
    writeEnvelope(context, 'explain', { findings: [{ id: entry.id, ...told }] });
    return 0;
  }
  const width = Math.min(context.io.stdout.columns, 100);
  const paragraphs = [
    `${entry.id}: ${told.title}`,
    `breaks: ${told.breaks}`,
    `right: ${told.right}`,
    `severity ${told.severity}; see ${told.reference}`,
  ];
  context.io.stdout.write(paragraphs.map((text) => `${wrapWords(text, width).join('\n')}\n`).join('\n'));
  return 0;
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

function describe(code: ErrorCode, { entry, width }: { entry: ErrorEntry; width: number }): string {
  const facts = [
    entry.status === undefined ? [] : [`HTTP status ${entry.status}`],
    entry.rpcCode === undefined ? [] : [`JSON-RPC code ${entry.rpcCode}`],
    entry.exit === undefined ? [] : [`exit code ${entry.exit}`],
  ].flat();
  const paragraphs = [`${code}: ${entry.title}`, entry.explanation, `fix: ${entry.fix}`, facts.join(', ')];
  return paragraphs
    .filter((text) => text !== '')
    .map((text) => `${wrapWords(text, width).join('\n')}\n`)
    .join('\n');
}
