import type { RowResult } from './run-row.ts';
import { toMedian } from './statistics.ts';
import { formatValue } from './table.ts';

/** The rows that are drawn, and what a panel is called. */
const panels = [
  { id: 'bare-h1', title: 'Calls per CPU-second' },
  { id: 'secured-h1', title: 'Calls per CPU-second, token checked' },
  { id: 'idle-memory', title: 'Memory per idle stream' },
  { id: 'added-latency', title: 'Added latency, median' },
] as const;

const WIDTH = 880;
const MARGIN = 24;
const GAP = 32;
const COLUMN = (WIDTH - 2 * MARGIN - GAP) / 2;
const LABEL = 170;
const FIGURE = 74;
const BAR = 14;
const STEP = 23;
const HEAD = 50;
const PANEL_GAP = 22;
/** A bar longer than so many medians is broken, so that one slow peer does not flatten all others. */
const LONGEST = 3;
const BREAK = 5;

const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a }
.title { font-size: 14px; font-weight: 600; fill: #1f2328 }
.ours { font-weight: 600; fill: #1f2328 }
.page { fill: #ffffff; stroke: #d0d7de }
.bar { fill: #afb8c1 }
.break { fill: #ffffff }
.bar.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title, .ours { fill: #f0f6fc }
.page { fill: #0d1117; stroke: #3d444d }
.bar { fill: #4d5662 }
.break { fill: #0d1117 }
.bar.ours { fill: #4493f8 }
}`;

/** A picture of the main rows for light and dark pages; rows that were not measured are left out. */
export function buildChart(results: readonly RowResult[]): string {
  const drawn = panels.flatMap(({ id, title }) => {
    const result = results.find((row) => row.id === id);
    return result === undefined ? [] : [{ title, result, bars: toBars(result) }];
  });
  const lines: string[] = [];
  let top = MARGIN;
  for (let index = 0; index < drawn.length; index += 2) {
    const pair = drawn.slice(index, index + 2);
    pair.forEach(({ title, result, bars }, column) => {
      lines.push(...buildPanel({ title, result, bars, left: MARGIN + column * (COLUMN + GAP), top }));
    });
    top += HEAD + STEP * Math.max(...pair.map(({ bars }) => bars.length)) + PANEL_GAP;
  }
  const height = top - PANEL_GAP + MARGIN;
  const label = drawn.map(
    ({ title, bars }) =>
      `${title}: ${bars.map(([name, value]) => `${name} ${formatValue(value)}`).join(', ')}`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(label.join('; '))}">`,
    `<style>${style}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    ...lines,
    '</svg>\n',
  ].join('\n');
}

type Bar = readonly [name: string, value: number];

/** Best first; a figure below zero (noise of a latency) is drawn as zero. */
function toBars({ values, isMoreBetter }: RowResult): readonly Bar[] {
  const sign = isMoreBetter ? -1 : 1;
  return Object.entries(values).sort(([, left], [, right]) => sign * (left - right));
}

function buildPanel(of: {
  title: string;
  result: RowResult;
  bars: readonly Bar[];
  left: number;
  top: number;
}): readonly string[] {
  const { title, result, bars, left, top } = of;
  const room = COLUMN - LABEL - FIGURE;
  const figures = bars.map(([, value]) => value);
  const longest = Math.max(1, ...figures);
  const most = result.isMoreBetter ? longest : Math.min(longest, Math.max(1, LONGEST * toMedian(figures)));
  const direction = `${result.unit}, ${result.isMoreBetter ? 'more' : 'less'} is better`;
  const head = [
    `<text class="title" x="${left}" y="${top + 12}">${escape(title)}</text>`,
    `<text x="${left}" y="${top + 30}">${escape(direction)}</text>`,
  ];
  const rows = bars.flatMap(([name, value], index) => {
    const y = top + HEAD + index * STEP;
    const ours = name.startsWith('breakwater') ? ' ours' : '';
    const width = Math.max(2, Math.round((Math.min(most, Math.max(0, value)) / most) * room));
    const cut = left + LABEL + Math.round(width * 0.9);
    const middle = y + BAR / 2 + 4;
    return [
      `<text class="name${ours}" x="${left + LABEL - 8}" y="${middle}" text-anchor="end">${escape(name)}</text>`,
      `<rect class="bar${ours}" x="${left + LABEL}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
      ...(value > most
        ? [`<path class="break" d="M${cut} ${y - 2}l${BREAK} 0l${-BREAK} ${BAR + 4}l${-BREAK} 0z"/>`]
        : []),
      `<text class="figure${ours}" x="${left + LABEL + width + 8}" y="${middle}">${escape(formatValue(value))}</text>`,
    ];
  });
  return [...head, ...rows];
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
