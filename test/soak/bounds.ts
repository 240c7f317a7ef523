import { expect } from 'vitest';

/** A figure of a test and what it must stay below. */
export interface Bound {
  readonly value: number;
  readonly below: number;
  readonly unit: string;
}

export type Bounds = Readonly<Record<string, Bound>>;

/** Names of the figures that reach their bound, or are no number. */
export function listBroken(bounds: Bounds): string[] {
  return Object.entries(bounds)
    .filter(([, { value, below }]) => !(value < below))
    .map(([name]) => name);
}

/** Each figure with its bound, as `docs/evidence.md` shows them. */
export function formatBounds(bounds: Bounds): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bounds).map(([name, { value, below, unit }]) => [
      name,
      `${toFigure(value)} ${unit} (must be below ${below})`,
    ]),
  );
}

export function expectWithin(bounds: Bounds): void {
  expect(listBroken(bounds), JSON.stringify(formatBounds(bounds))).toEqual([]);
}

/** Lines of what a gateway complained of; 0 when all is well. */
export function countLines(complaints: string): number {
  return complaints === '' ? 0 : complaints.trimEnd().split('\n').length;
}

/** Three significant digits say what there is to say. */
function toFigure(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
