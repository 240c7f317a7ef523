import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderPage } from '../../scripts/evidence/page.ts';
import { plan } from '../../scripts/evidence/plan.ts';
import {
  forgetRecords,
  parseRecord,
  selectRecords,
  type EvidenceRecord,
} from '../../scripts/evidence/records.ts';
import { suites } from '../../scripts/evidence/suites.ts';

const soak: EvidenceRecord = {
  id: 'T4',
  title: 'Soak | 45 minutes',
  cases: 140_000,
  failures: 0,
  figures: { 'call p99': '12.5 ms (must be below 100)', events: 270_000 },
  control: 'streams that end are seen',
  program: 'node',
  full: true,
  at: '2026-11-24T03:09:38.555Z',
};
const floods: EvidenceRecord = {
  ...soak,
  id: 'T25-floods',
  title: 'HTTP/2 floods',
  cases: 36,
  failures: 2,
  figures: {},
  program: 'executable',
  full: false,
};

const facts = { date: '2026-11-24', machine: { cores: 2 }, versions: { Node: '24.21.0' } };

describe('the page of evidence', () => {
  const text = renderPage(facts, [soak, floods]);

  it('shows each record in the table and with its figures', () => {
    const results = text.slice(text.indexOf('## Machine'), text.indexOf('## Tests without figures here'));
    expect(results).toBe(`## Machine and versions of the last run (2026-11-24)

Figures of an earlier date are those of the version and the machine of that day.

|  |  |
| --- | --- |
| cores | 2 |
| Node | 24.21.0 |

## Results

| test | what | suite | program | form | cases | failures |
| --- | --- | --- | --- | --- | --- | --- |
| [T4](#t4-on-node) | Soak \\| 45 minutes | soak | node | full | 140,000 | 0 |
| [T25-floods](#t25-floods-on-the-executable) | HTTP/2 floods | security | executable | short | 36 | 2 |

## Figures

### T4 on Node

Soak | 45 minutes. 140,000 cases, 0 failures; full form, 2026-11-24 03:09 UTC.

- call p99: 12.5 ms (must be below 100)
- events: 270,000
- control: streams that end are seen

### T25-floods on the executable

HTTP/2 floods. 36 cases, 2 failures; short form, 2026-11-24 03:09 UTC.

- control: streams that end are seen

`);
  });

  it('lists every other test of the plan, and why it is not there', () => {
    const rest = text.slice(text.indexOf('## Tests without figures here'));
    expect(rest).toContain(
      '| T1 | Request smuggling corpus | not run: `npm run evidence -- --only security` |',
    );
    expect(rest).toContain(
      '| T39 | MCP conformance, direct and through | passes or fails as a whole: `npm run conformance` |',
    );
    expect(rest).toContain(
      '| T42 | Load with random faults for 72 virtual hours | not run: `npm run evidence -- --only soak` |',
    );
    expect(rest.match(/^\| T\d+ /gm)).toHaveLength(plan.length - 2);
    expect(rest).not.toMatch(/^\| (T4|T25) /m);
  });
});

describe('the plan', () => {
  it('has the tests 1 to 42, and gives them to suites that exist', () => {
    expect(plan.map(({ id }) => id)).toEqual(Array.from({ length: 42 }, (_, index) => `T${index + 1}`));
    for (const { place } of plan) {
      if (place.kind === 'suite') expect(suites.map(({ name }) => name)).toContain(place.name);
    }
  });
});

describe('the choice of records', () => {
  it('takes the full form before the short one, each program apart, in the order of the plan', () => {
    const short = { ...soak, full: false };
    const executable = { ...soak, program: 'executable' as const, full: false };
    const first = { ...soak, id: 'T1' };
    const expected = [first, soak, executable, floods];
    expect(selectRecords([floods, short, executable, soak, first])).toEqual(expected);
    expect(selectRecords([first, soak, short, executable, floods])).toEqual(expected);
  });
});

describe('records of an earlier run', () => {
  it('go before the suite runs again, those of other suites, programs and forms stay', () => {
    const directory = mkdtempSync(join(tmpdir(), 'breakwater-evidence-'));
    const others = [
      'T2-node-full.json',
      'T25-floods-executable-full.json',
      'T25-node-short.json',
      'T3-node-full.json',
    ];
    for (const file of [...others, 'T25-floods-node-full.json', 'T1-node-full.json']) {
      writeFileSync(join(directory, file), '{}');
    }
    forgetRecords(directory, { suite: 'security', program: 'node', full: true });
    expect(readdirSync(directory)).toEqual(others.slice(1).sort());
    rmSync(directory, { recursive: true });
  });
});

describe('a record', () => {
  const file = 'T4-node-full.json';

  it('is read as it was written', () => {
    expect(parseRecord(JSON.stringify(soak), file)).toEqual({ ok: true, value: soak });
  });

  it('says that a test which came to no case has failed', () => {
    const broken = { ...soak, cases: 0, failures: 1, control: 'not reached' };
    expect(parseRecord(JSON.stringify(broken), file)).toEqual({ ok: true, value: broken });
  });

  it.each<[what: string, change: Readonly<Record<string, unknown>>, file?: string]>([
    ['a test that is not in the plan', { id: 'T43' }, 'T43-node-full.json'],
    ['no cases and no failure', { cases: 0, failures: 0 }],
    ['a part of a failure', { failures: 0.5 }],
    ['fewer than no failures', { failures: -1 }],
    ['a figure that is no number', { figures: { p99: null } }],
    ['a figure of two lines', { figures: { p99: '1\n\n## Heading' } }],
    ['no control', { control: '' }],
    ['an unknown program', { program: 'deno' }],
    ['no time', { at: 'yesterday' }],
    ['a member that nobody writes', { passed: true }],
    ['the name of another file', { full: false }],
  ])('is refused with %s', (_what, change, name = file) => {
    expect(parseRecord(JSON.stringify({ ...soak, ...change }), name).ok).toBe(false);
  });

  it('is refused when it is not JSON', () => {
    expect(parseRecord('{', file)).toEqual({ ok: false, error: `${file} is not JSON` });
  });
});
