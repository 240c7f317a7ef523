import type { RowResult } from './run-row.ts';
import type { Comparison } from './statistics.ts';

/** The results as text: a line a row and peer, and what is wanted beside what was reached. */
export function buildTable(results: readonly RowResult[]): string {
  return results.map(buildRow).join('\n');
}

function buildRow(result: RowResult): string {
  const lines = [
    `${result.id}: ${result.title}, ${result.unit} (${result.rounds} rounds, ${result.discarded} discarded)`,
    ...buildPeers(result),
    ...Object.entries(result.missing).map(
      ([name, reason]) => `  ${pad(name)} NOT MEASURED: ${oneLine(reason)}`,
    ),
    ...Object.entries(result.points).flatMap(([name, point]) => [`  ${name}:`, ...buildPeers(point, '    ')]),
    ...result.targets.map(({ program, wanted, outcome }) => `  ${program}, wanted ${wanted}: ${outcome}`),
  ];
  return `${lines.join('\n')}\n`;
}

function buildPeers({ values, ratios, executableRatios }: Comparison, indent = '  '): readonly string[] {
  return Object.entries(values).map(([name, value]) => {
    const ratio = toBeside('ours', ratios[name]);
    const executable = toBeside('executable', executableRatios[name]);
    return `${indent}${pad(name)}${formatValue(value).padStart(12)}${ratio}${executable}`.trimEnd();
  });
}

function toBeside(who: string, ratio: number | undefined): string {
  return ratio === undefined ? '' : `   ${who} ${formatRatio(ratio)} x`;
}

function pad(name: string): string {
  return name.padEnd(22);
}

export function formatValue(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 1 });
}

export function formatRatio(ratio: number): string {
  return ratio.toFixed(2);
}

/** A reason may be what a program printed. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}
