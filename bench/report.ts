import type { RowResult } from './run-row.ts';
import { formatRatio, formatValue, oneLine } from './table.ts';

/** What `--json` writes. */
export interface Report {
  /** Day of the measurement, as YYYY-MM-DD. */
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RowResult[];
}

const start = '<!-- figures: written by npm run bench -- --report -->';
const end = '<!-- end of figures -->';

/** Puts the figures between the two marks of a page and leaves the rest of it as it is. */
export function insertFigures(page: string, report: Report): string {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to < from)
    throw new Error(`the page has no place for figures: \`${start}\` … \`${end}\``);
  return `${page.slice(0, from + start.length)}\n\n${buildMarkdown(report)}\n${page.slice(to)}`;
}

/** The figures as Markdown. */
function buildMarkdown(report: Report): string {
  const machine = Object.entries(report.machine).map(([name, value]) => `${name} ${value}`);
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Measured on ${report.date}. Machine: ${machine.join(', ')}.`,
    `Versions: ${versions.join(', ')}.`,
    ...report.rows.map(buildRow),
    '',
  ].join('\n\n');
}

function buildRow(row: RowResult): string {
  const direction = row.isMoreBetter ? 'more is better' : 'less is better';
  const points = Object.keys(row.points);
  const heads = [row.headline, ...points];
  const all = [row, ...points.map((name) => row.points[name] ?? row)];
  const cells = Object.keys(row.values).map((peer) => {
    const figures = all.map(({ values }) => formatFigure(values[peer]));
    const ratios = [row.ratios[peer], row.executableRatios[peer]].map((ratio) =>
      ratio === undefined ? '' : formatRatio(ratio),
    );
    return `| ${[peer, ...figures, ...ratios].join(' | ')} |`;
  });
  const missing = Object.entries(row.missing).map(
    ([peer, reason]) =>
      `| ${peer} | not measured: ${oneLine(reason).replaceAll('|', '\\|')} |${' |'.repeat(all.length + 1)}`,
  );
  const table = [
    `| | ${[...heads, 'ours / theirs', 'executable / theirs'].join(' | ')} |`,
    `|---|${'---:|'.repeat(heads.length + 2)}`,
    ...cells,
    ...missing,
  ].join('\n');
  const targets = row.targets.map(
    ({ program, wanted, outcome }) => `- ${program}, wanted ${wanted}: ${outcome}`,
  );
  const notes = Object.entries(row.notes)
    .filter(([peer]) => row.values[peer] !== undefined)
    .map(([peer, note]) => `- ${peer}: ${note}`);
  const rounds = `${row.rounds} rounds counted, ${row.discarded} thrown away`;
  const parts = [
    `### \`${row.id}\`: ${row.title}`,
    `${row.unit}, ${direction}; ${rounds}.`,
    table,
    ...(targets.length === 0 ? [] : [targets.join('\n')]),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
  ];
  return parts.join('\n\n');
}

function formatFigure(value: number | undefined): string {
  return value === undefined ? '' : formatValue(value);
}
