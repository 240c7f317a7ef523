import { styleText } from 'node:util';
import { renderProblems } from '../../lib/diagnostic-text.ts';
import { toPrintable } from '../../lib/printable.ts';
import { compareSeverity } from '../../render/lint/finding.ts';
import { layers, type Severity } from '../check.ts';
import type { CheckResult, Report } from '../report.ts';
import { listNegotiated, listTimings } from './negotiated.ts';

export interface TextOptions {
  readonly color: boolean;
  readonly unicode: boolean;
  readonly width: number;
  /** Shows what passed and what was skipped as well, with the evidence of what failed. */
  readonly verbose: boolean;
}

/** The report for a terminal: the grade, a line for each layer, what is wrong with the worst first, and timings at the end. */
export function formatText(report: Report, options: TextOptions): string {
  const { facts, grade, caps, results } = report;
  const bold = (text: string): string =>
    options.color ? styleText('bold', text, { validateStream: false }) : text;
  const failed = results
    .filter(({ status }) => status === 'fail')
    .toSorted((one, other) => compareSeverity(one.severity, other.severity));
  const blocks = [
    `${bold(`Grade ${grade}`)}  ${toPrintable(facts.target.url)}${caps[0] === undefined ? '' : `\n${toPrintable(caps[0])}`}`,
    layers
      .map((layer) =>
        formatLayer(
          results.filter((each) => each.layer === layer),
          layer,
        ),
      )
      .join('\n'),
    ...(failed.length === 0
      ? []
      : [
          renderProblems(
            failed.map((each) => toProblem(each, options.verbose)),
            { ...options, max: 200 },
          ).trimEnd(),
        ]),
    ...formatUnknown(results),
    ...(options.verbose ? [formatRest(results)] : []),
    formatTable(listNegotiated(report).map(([name, value]) => [name, toPrintable(value)])),
    formatTable(listTimings(facts).map(([name, value]) => [name, `${Math.round(value)} ms`])),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function formatLayer(results: readonly CheckResult[], layer: string): string {
  const count = (status: CheckResult['status']): number =>
    results.filter((each) => each.status === status).length;
  const failed = results.filter(({ status }) => status === 'fail');
  const of = (severity: Severity): number => failed.filter((each) => each.severity === severity).length;
  const parts = [
    [of('error'), 'failed'],
    [of('warning'), 'to look at'],
    [of('info'), 'remarks'],
    [count('pass'), 'passed'],
    [count('unknown'), 'could not be told'],
    [count('skip'), 'not tested'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return `${layer.padEnd(8)}${told.join(', ')}`;
}

function toProblem(result: CheckResult, verbose: boolean): Parameters<typeof renderProblems>[0][number] {
  const { id, severity, seen = '', why, fix, evidence, baselined } = result;
  const lines = [...(fix?.lines ?? []), ...(verbose && evidence.length > 0 ? ['', ...evidence] : [])];
  return {
    severity,
    code: id,
    message: baselined ? `${seen} (in the baseline)` : seen,
    breaks: why,
    fix: fix === undefined ? '' : `${fix.advice}${fix.front === undefined ? '' : ` (${fix.front}):`}`,
    fixLines: lines,
  };
}

/** What could not be told is never passed over in silence. */
function formatUnknown(results: readonly CheckResult[]): readonly string[] {
  const untold = results.filter(({ status }) => status === 'unknown');
  if (untold.length === 0) return [];
  return [
    ['could not be told:', ...untold.map(({ id, seen }) => `  ${id}: ${toPrintable(seen ?? '')}`)].join('\n'),
  ];
}

function formatRest(results: readonly CheckResult[]): string {
  return results
    .filter(({ status }) => status === 'pass' || status === 'skip')
    .map(
      ({ id, status, title, seen }) =>
        `${status === 'pass' ? 'passed ' : 'skipped'} ${id}: ${title}${seen === undefined ? '' : ` (${toPrintable(seen)})`}`,
    )
    .join('\n');
}

function formatTable(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
