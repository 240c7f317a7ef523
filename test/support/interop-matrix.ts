import type { Way } from './interop-client.ts';
import type { ClientProgram } from './interop-clients.ts';
import { scenarios, type Era, type Scenario, type Upstream } from './interop-upstreams.ts';
import { programsAreMandatory, type Program } from './programs.ts';

/** Every way to reach the gateway; the order is the order of the tests. */
export const ways: readonly Way[] = [
  { protocol: 'h1', slash: false },
  { protocol: 'h1', slash: true },
  { protocol: 'h2', slash: false },
  { protocol: 'h2', slash: true },
];

/** The era a pair agrees on, when it can. */
export function toAgreedEra(upstream: Upstream, client: ClientProgram): Era {
  if (client.era !== 'auto') return client.era;
  return upstream.eras.includes('modern') ? 'modern' : 'legacy';
}

/** Why a client and a server do not meet in one of the ways, or `undefined` when they do. */
export function whyNeverMeet(upstream: Upstream, client: ClientProgram, way: Way): string | undefined {
  return (
    whyMissing(upstream.program) ??
    whyMissing(client.program) ??
    client.refuses[upstream.transport] ??
    client.refuses[way.protocol] ??
    (upstream.eras.includes(toAgreedEra(upstream, client)) ? undefined : 'the server knows no 2026-07-28')
  );
}

/** Why a scenario cannot be shown with a pair that meets, or `undefined` when it can. */
export function whyNotShown(upstream: Upstream, client: ClientProgram, scenario: Scenario): string | undefined {
  const era = toAgreedEra(upstream, client);
  if (scenario === 'listen' && era === 'legacy') return 'subscriptions belong to 2026-07-28';
  if (scenario === 'notification' && era === 'modern') return '2026-07-28 has no GET stream';
  if (scenario === 'session end' && era === 'modern') return '2026-07-28 has no sessions';
  return upstream.lacks[scenario] ?? client.lacks[scenario];
}

/** Where programs are mandatory a missing one does not excuse its tests: they run, and fail. */
function whyMissing(program: Program | undefined): string | undefined {
  return program?.kind === 'missing' && !programsAreMandatory ? program.reason : undefined;
}

interface Row {
  readonly upstream: string;
  readonly client: string;
  readonly way: string;
  readonly cells: Map<Scenario, string>;
}

/** What was shown, for people: one row for each pair and way, one column for each scenario. */
export class MatrixReport {
  readonly #rows = new Map<string, Row>();
  readonly #reasons: string[] = [];

  passed(pair: Omit<Row, 'cells'>, scenario: Scenario): void {
    this.#row(pair).cells.set(scenario, 'yes');
  }

  excused(pair: Omit<Row, 'cells'>, excuse: { readonly scenario: Scenario; readonly reason: string }): void {
    const { scenario, reason } = excuse;
    if (!this.#reasons.includes(reason)) this.#reasons.push(reason);
    this.#row(pair).cells.set(scenario, `(${this.#reasons.indexOf(reason) + 1})`);
  }

  /** The table; a cell that neither passed nor was excused says FAIL. */
  toText(): string {
    const lines: string[] = [];
    let upstream = '';
    for (const row of this.#rows.values()) {
      if (row.upstream !== upstream) {
        lines.push('', toLine([row.upstream, '', ...scenarios]));
        ({ upstream } = row);
      }
      const cells = scenarios.map((scenario) => row.cells.get(scenario) ?? 'FAIL');
      lines.push(toLine([`  ${row.client}`, row.way, ...cells]));
    }
    const notes = this.#reasons.map((reason, index) => `(${index + 1}) does not apply: ${reason}`);
    return [...lines, '', ...notes, ''].join('\n');
  }

  #row(pair: Omit<Row, 'cells'>): Row {
    const key = JSON.stringify([pair.upstream, pair.client, pair.way]);
    const row = this.#rows.get(key) ?? { ...pair, cells: new Map<Scenario, string>() };
    this.#rows.set(key, row);
    return row;
  }
}

function toLine(cells: readonly string[]): string {
  const widths = [36, 10];
  return cells.map((cell, index) => cell.padEnd(widths[index] ?? 13)).join('').trimEnd();
}
