import { plan, type PlannedTest } from './plan.ts';
import { toPlanId, type EvidenceRecord } from './records.ts';

export interface EvidenceFacts {
  /** `2026-11-24` */
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
}

const introduction = `# Evidence

What the tests under attack, under faults and over a long time have shown, in numbers. The page is written by
\`npm run evidence\`, which runs every suite in its full form, against the Node build and, where \`build/breakwater\`
exists, against the single executable. Any line is reproduced by \`npm run evidence -- --only SUITE\`, in minutes with
\`--short\`; \`--render\` writes the page from the records that are there. A failure is a case that went wrong or a
figure beyond its bound. Each test has a control: something broken on purpose, which it must notice.
`;

/** The text of \`docs/evidence.md\`; the records come selected and in order. */
export function renderPage(facts: EvidenceFacts, records: readonly EvidenceRecord[]): string {
  return [
    introduction,
    `## Machine and versions of the last run (${facts.date})\n\nFigures of an earlier date are those of the version and the machine of that day.\n`,
    renderTable(['', ''], Object.entries({ ...facts.machine, ...facts.versions })),
    '## Results\n',
    renderTable(
      ['test', 'what', 'suite', 'program', 'form', 'cases', 'failures'],
      records.map((record) => [
        `[${record.id}](#${toAnchor(record)})`,
        record.title,
        toSuite(record),
        record.program,
        record.full ? 'full' : 'short',
        toGrouped(record.cases),
        toGrouped(record.failures),
      ]),
    ),
    '## Figures\n',
    ...records.map(renderRecord),
    '## Tests without figures here\n',
    renderTable(
      ['test', 'what', 'why'],
      plan
        .filter(({ id }) => !records.some((record) => toPlanId(record) === id))
        .map((test) => [test.id, test.title, explainAbsence(test)]),
    ),
  ].join('\n');
}

function renderRecord(record: EvidenceRecord): string {
  const figures = Object.entries(record.figures).map(
    ([name, value]) => `- ${name}: ${typeof value === 'number' ? toGrouped(value) : value}`,
  );
  return [
    `### ${toHeading(record)}\n`,
    `${record.title}. ${toGrouped(record.cases)} cases, ${toGrouped(record.failures)} failures; ${record.full ? 'full' : 'short'} form, ${record.at.slice(0, 16).replace('T', ' ')} UTC.\n`,
    ...figures,
    `- control: ${record.control}\n`,
  ].join('\n');
}

function toHeading({ id, program }: EvidenceRecord): string {
  return `${id} on ${program === 'node' ? 'Node' : 'the executable'}`;
}

/** As the common renderers make it from a heading. */
function toAnchor(record: EvidenceRecord): string {
  return toHeading(record).toLowerCase().replaceAll(' ', '-');
}

function toSuite(record: EvidenceRecord): string {
  const place = plan.find(({ id }) => id === toPlanId(record))?.place;
  return place?.kind === 'suite' ? place.name : '';
}

function explainAbsence({ place }: PlannedTest): string {
  switch (place.kind) {
    case 'suite':
      return `not run: \`npm run evidence -- --only ${place.name}\``;
    case 'elsewhere':
      return `passes or fails as a whole: \`${place.command}\``;
  }
}

function toGrouped(value: number): string {
  return value.toLocaleString('en-US');
}

function renderTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const toLine = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[toLine(head), toLine(head.map(() => '---')), ...rows.map(toLine)].join('\n')}\n`;
}
