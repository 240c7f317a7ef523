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
  const missing = whyMissing(upstream.program) ?? whyMissing(client.program);
  if (missing !== undefined) return `did not run: ${missing}`;
  const isShared = upstream.eras.includes(toAgreedEra(upstream, client));
  const reason =
    client.refuses[upstream.transport] ??
    client.refuses[way.protocol] ??
    (isShared ? undefined : 'the server knows no 2026-07-28');
  return reason === undefined ? undefined : `does not apply: ${reason}`;
}

/** Why a scenario cannot be shown with a pair that meets, or `undefined` when it can. */
export function whyNotShown(
  upstream: Upstream,
  client: ClientProgram,
  scenario: Scenario,
): string | undefined {
  const era = toAgreedEra(upstream, client);
  if (scenario === 'listen' && era === 'legacy') return 'subscriptions belong to 2026-07-28';
  if (scenario === 'notification' && era === 'modern')
    return 'in 2026-07-28 notifications come to subscriptions only';
  if (scenario === 'session end' && era === 'modern') return '2026-07-28 has no sessions';
  return upstream.lacks[scenario] ?? client.lacks[scenario];
}

/** Where programs are mandatory a missing one does not excuse its tests: they run, and fail. */
function whyMissing(program: Program | undefined): string | undefined {
  return program?.kind === 'missing' && !programsAreMandatory ? program.reason : undefined;
}

/** One row of the report. */
export interface PairName {
  readonly upstream: string;
  readonly client: string;
  /** HTTP version and path. */
  readonly way: string;
}

type Cells = Map<Scenario, string>;

/** What was shown, for people: one row for each pair and way, one column for each scenario. */
export class MatrixReport {
  readonly #rows = new Map<PairName, Cells>();
  readonly #separations = new Map<PairName, string>();
  readonly #reasons: string[] = [];

  /** Announces a row, whose scenarios fail unless they pass or are excused. */
  expect(pair: PairName): void {
    this.#rows.set(pair, new Map());
  }

  pass(pair: PairName, scenario: Scenario): void {
    this.#rows.get(pair)?.set(scenario, 'yes');
  }

  excuse(pair: PairName, excuse: { readonly scenario: Scenario; readonly reason: string }): void {
    const { scenario, reason } = excuse;
    if (!this.#reasons.includes(reason)) this.#reasons.push(reason);
    this.#rows.get(pair)?.set(scenario, `(${this.#reasons.indexOf(reason) + 1})`);
  }

  /** Notes that a pair does not meet in this way at all. */
  separate(pair: PairName, reason: string): void {
    this.#separations.set(pair, reason);
  }

  toText(): string {
    const upstreams = new Set(
      [...this.#rows.keys(), ...this.#separations.keys()].map((pair) => pair.upstream),
    );
    const tables = [...upstreams].flatMap((upstream) => ['', ...this.#toTable(upstream)]);
    const notes = this.#reasons.map((reason, index) => `(${index + 1}) does not apply: ${reason}`);
    return [...tables, '', ...notes, ''].join('\n');
  }

  #toTable(upstream: string): readonly string[] {
    const lines = [toLine([upstream, '', ...scenarios])];
    for (const [pair, cells] of this.#rows) {
      if (pair.upstream !== upstream) continue;
      const marks = scenarios.map((scenario) => cells.get(scenario) ?? 'FAIL');
      lines.push(toLine([`  ${pair.client}`, pair.way, ...marks]));
    }
    for (const [pair, reason] of this.#separations) {
      if (pair.upstream === upstream) lines.push(toLine([`  ${pair.client}`, pair.way, reason]));
    }
    return lines;
  }
}

const columnWidths = [36, 10];

function toLine(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(columnWidths[index] ?? 13))
    .join('')
    .trimEnd();
}
