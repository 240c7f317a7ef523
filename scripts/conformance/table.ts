import { isBroken, type LegName, type ScenarioOutcome, type ScenarioRow } from './comparison.ts';

/** Scenarios of the suite that use `node:http` themselves, which speaks no HTTP/2. */
const rawScenarios: ReadonlySet<string> = new Set([
  'http-header-validation',
  'http-custom-header-server-validation',
]);

/** The table of one requirement set: scenario and one column a leg, then every difference. */
export function formatTable(rows: readonly ScenarioRow[], legs: readonly LegName[]): string {
  const cells = [
    ['scenario', ...legs],
    ...rows.map((row) => [
      row.isScored ? row.scenario : `${row.scenario} (not scored)`,
      ...legs.map((leg) => formatCell(row, leg)),
    ]),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('-|-'));
  return [...lines, ...formatNotes(rows, legs)].join('\n');
}

/** One line: how many scenarios, how many differ, how many that count fail directly. */
export function formatSummary(set: string, rows: readonly ScenarioRow[], legs: readonly LegName[]): string {
  const broken = rows.filter(isBroken).length;
  const different = rows.filter((row) => row.differences.length > 0).length;
  const unscored = rows.filter((row) => !row.isScored).length;
  const compared = legs.length === 1 ? 'not compared with a gateway' : `${different} with a difference`;
  return `${set}: ${rows.length} scenarios (${unscored} not scored), ${broken} broken directly, ${compared}`;
}

function formatCell(row: ScenarioRow, leg: LegName): string {
  const outcome = row.outcomes.get(leg) ?? { kind: 'absent' };
  const differs = row.differences.some((difference) => difference.leg === leg);
  const note = leg === 'h2' && rawScenarios.has(row.scenario) ? ' (over h1)' : '';
  return `${formatOutcome(outcome)}${note}${differs ? ' DIFFERS' : ''}`;
}

function formatOutcome(outcome: ScenarioOutcome): string {
  if (outcome.kind === 'absent') return 'did not run';
  const parts = [`${outcome.passed} passed`];
  if (outcome.failed > 0) parts.push(`${outcome.failed} failed`);
  if (outcome.warned > 0) parts.push(`${outcome.warned} warned`);
  return parts.join(', ');
}

function formatNotes(rows: readonly ScenarioRow[], legs: readonly LegName[]): readonly string[] {
  const notes: string[] = [];
  if (legs.includes('h2') && rows.some((row) => rawScenarios.has(row.scenario))) {
    notes.push(
      '(over h1): the suite sends these requests with node:http, which speaks no HTTP/2; only their first request is HTTP/2.',
    );
  }
  for (const difference of rows.flatMap((row) => row.differences)) {
    const { scenario, leg, check, direct, through, message } = difference;
    notes.push(`DIFFERS ${scenario} ${leg}: ${check}: ${direct} directly, ${through} through the gateway`);
    if (message !== undefined) notes.push(`        ${message}`);
  }
  return notes;
}
