import { describe, expect, it } from 'vitest';
import { buildChart } from '../../bench/chart.ts';
import { insertFigures, type Report } from '../../bench/report.ts';
import { buildTable } from '../../bench/table.ts';
import { exampleResult } from './example-result.ts';

const report: Report = {
  date: '2026-01-02',
  machine: { processor: 'Example', cores: 2 },
  versions: { nginx: '1.2.3' },
  rows: [exampleResult],
};
const start = '<!-- figures: written by npm run bench -- --report -->';
const end = '<!-- end of figures -->';

describe('the table', () => {
  const text = buildTable([exampleResult]);

  it('shows every figure with its ratio, and the points beside the headline', () => {
    expect(text).toMatch(/nginx +2,000 +ours 0\.50 x/);
    expect(text).toMatch(/256:\n +breakwater +900/);
    expect(text).toContain('(4 rounds, 1 discarded)');
  });

  it('never leaves a missing peer or target out in silence', () => {
    expect(text).toMatch(/apache +NOT MEASURED: apache2 is not installed/);
    expect(text).toContain('breakwater, wanted at least 0.55 x nginx: NOT REACHED');
    expect(text).toContain('breakwater-executable, wanted at least 0.7 x nginx: NOT MEASURED');
  });
});

describe('the report', () => {
  const page = `before\n${start}\nold\n${end}\nafter\n`;

  it('replaces the figures and nothing else', () => {
    const text = insertFigures(page, report);
    expect(text.startsWith(`before\n${start}\n\nMeasured on 2026-01-02.`)).toBe(true);
    expect(text.endsWith(`${end}\nafter\n`)).toBe(true);
    expect(text).not.toContain('old');
    expect(text).toContain('| nginx | 2,000 | 1,800 | 0.50 |');
    expect(text).toContain('apache2 is not installed');
  });

  it('is the same when it is written twice', () => {
    const once = insertFigures(page, report);
    expect(insertFigures(once, report)).toBe(once);
  });

  it('gives every line of a table as many cells', () => {
    const lines = insertFigures(page, report)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
  });

  it('control: a page without the marks is refused', () => {
    expect(() => insertFigures('no place', report)).toThrow('no place for figures');
  });
});

describe('the chart', () => {
  it('is well-formed, knows dark pages and draws ours in its own colour', () => {
    const svg = buildChart([exampleResult]);
    expect(svg.match(/<rect class="bar/g)).toHaveLength(2);
    expect(svg.match(/class="bar ours"/g)).toHaveLength(1);
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg.match(/<(text|svg|style)\b/g)?.length).toBe(svg.match(/<\/(text|svg|style)>/g)?.length);
  });

  it('breaks the bar of a peer that would flatten the others', () => {
    const values = { breakwater: 50, nginx: 40, haproxy: 60, slow: 9000 };
    const svg = buildChart([{ ...exampleResult, isMoreBetter: false, values }]);
    expect(svg.match(/class="break"/g)).toHaveLength(1);
    expect(buildChart([{ ...exampleResult, isMoreBetter: false }])).not.toContain('class="break"');
  });

  it('makes bars as long as their figures, and escapes names', () => {
    const svg = buildChart([{ ...exampleResult, values: { 'a<b': 100, breakwater: 50 } }]);
    const widths = [...svg.matchAll(/<rect class="bar[^"]*" x="\d+" y="\d+" width="(\d+)"/g)].map(
      ([, width]) => Number(width),
    );
    expect(widths[1]).toBe((widths[0] ?? 0) / 2);
    expect(svg).toContain('a&lt;b');
    expect(svg).not.toContain('a<b');
  });
});
