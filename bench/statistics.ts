/** Named figures of one peer in one round; one of them is the row's headline. */
export type Figures = Readonly<Record<string, number>>;

/** The figures of all peers in one round. */
export type Round = ReadonlyMap<string, Figures>;

/** Our two programs, whose ratios to the others are taken. */
export const ours = ['breakwater', 'breakwater-executable'] as const;
export type Ours = (typeof ours)[number];

export interface Comparison {
  /** Medians of the rounds that count. */
  readonly values: Figures;
  /** Breakwater's through the peer's, of the same round; medians. */
  readonly ratios: Figures;
  /** The same of the executable. */
  readonly executableRatios: Figures;
}

export interface Summary extends Comparison {
  readonly rounds: number;
  readonly discarded: number;
  /** All other figures of the row, by their names. */
  readonly points: Readonly<Record<string, Comparison>>;
}

/** A round whose nginx figure strays further than this from the median was disturbed. */
const NOISE = 0.25;
const reference = 'nginx';

export function toMedian(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The value that a share of all values does not exceed (nearest rank). */
export function toPercentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** The furthest any point lies from the line, as a share of the line's value there. */
  readonly deviation: number;
}

/** The line of least squares through points. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const meanX = toMean(points.map(([x]) => x));
  const meanY = toMean(points.map(([, y]) => y));
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = covariance / variance;
  const intercept = meanY - slope * meanX;
  const deviations = points.map(([x, y]) => Math.abs(y - (intercept + slope * x)) / (intercept + slope * x));
  return { slope, intercept, deviation: Math.max(...deviations) };
}

/** Leaves out disturbed rounds and takes medians of figures and of ratios within a round. */
export function summarize(headline: string, rounds: readonly Round[]): Summary {
  const median = toMedian(rounds.flatMap((round) => round.get(reference)?.[headline] ?? []));
  const counted = rounds.filter((round) => {
    const figure = round.get(reference)?.[headline];
    return figure === undefined || Math.abs(figure - median) <= NOISE * Math.abs(median);
  });
  const names = new Set(counted.flatMap((round) => [...round.values()].flatMap(Object.keys)));
  names.delete(headline);
  return {
    ...compare(headline, counted),
    rounds: counted.length,
    discarded: rounds.length - counted.length,
    points: Object.fromEntries([...names].map((name) => [name, compare(name, counted)])),
  };
}

function compare(name: string, rounds: readonly Round[]): Comparison {
  const peers = [...new Set(rounds.flatMap((round) => [...round.keys()]))];
  const values = peers
    .map((peer) => [peer, toMedian(rounds.flatMap((round) => round.get(peer)?.[name] ?? []))] as const)
    .filter(([, value]) => !Number.isNaN(value));
  return {
    values: Object.fromEntries(values),
    ratios: toRatios({ program: 'breakwater', name, peers, rounds }),
    executableRatios: toRatios({ program: 'breakwater-executable', name, peers, rounds }),
  };
}

function toRatios(of: {
  program: Ours;
  name: string;
  peers: readonly string[];
  rounds: readonly Round[];
}): Figures {
  const ratios = of.peers
    .filter((peer) => peer !== of.program)
    .map((peer) => {
      const each = of.rounds.flatMap((round) => {
        const mine = round.get(of.program)?.[of.name];
        const theirs = round.get(peer)?.[of.name];
        // A latency below that of no proxy at all is noise, and a ratio to it says nothing.
        if (mine === undefined || theirs === undefined || mine <= 0 || theirs <= 0) return [];
        return [mine / theirs];
      });
      return [peer, toMedian(each)] as const;
    });
  return Object.fromEntries(ratios.filter(([, ratio]) => !Number.isNaN(ratio)));
}

function toMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
