/** One figure a peer, of one round. */
export type Round = ReadonlyMap<string, number>;

export interface RowResult {
  readonly id: string;
  readonly unit: string;
  /** Medians of the rounds that count. */
  readonly values: Readonly<Record<string, number>>;
  /** Ours through the peer's, of the same round; medians. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly rounds: number;
  readonly discarded: number;
}

/** A round whose nginx figure strays further than this from the median was disturbed. */
const NOISE = 0.25;
const reference = 'nginx';
const ours = 'breakwater';

export function toMedian(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Leaves out disturbed rounds and takes medians of figures and of ratios within a round. */
export function summarize(
  row: { readonly id: string; readonly unit: string },
  rounds: readonly Round[],
): RowResult {
  const median = toMedian(rounds.flatMap((round) => round.get(reference) ?? []));
  const counted = rounds.filter((round) => {
    const figure = round.get(reference);
    return figure === undefined || Math.abs(figure - median) <= NOISE * median;
  });
  const names = [...new Set(counted.flatMap((round) => [...round.keys()]))];
  const values = names.map(
    (name) => [name, toMedian(counted.flatMap((round) => round.get(name) ?? []))] as const,
  );
  const ratios = names
    .filter((name) => name !== ours)
    .map((name) => [name, toMedian(counted.flatMap((round) => toRatio(round, name)))] as const);
  return {
    ...row,
    values: Object.fromEntries(values),
    ratios: Object.fromEntries(ratios),
    rounds: counted.length,
    discarded: rounds.length - counted.length,
  };
}

function toRatio(round: Round, name: string): number[] {
  const mine = round.get(ours);
  const theirs = round.get(name);
  return mine === undefined || theirs === undefined ? [] : [mine / theirs];
}
