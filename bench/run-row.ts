import type { Peer } from './peer.ts';
import type { Row, RowContext, RowSession } from './row.ts';
import { summarize, type Figures, type Round, type Summary } from './statistics.ts';
import { targets } from './targets.ts';
import { judge, type Verdict } from './verdicts.ts';

export interface RowResult extends Summary {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly headline: string;
  readonly isMoreBetter: boolean;
  readonly targets: readonly Verdict[];
  /** What a reader has to know of a peer. */
  readonly notes: Readonly<Record<string, string>>;
  /** Peers without a figure, and why. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface RunOptions {
  readonly peers: readonly Peer[];
  /** Peers that are not on this machine, and why. */
  readonly absent: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly context: RowContext;
  readonly onProgress: (text: string) => void;
}

/** Measures a row: every peer once a round, in an order that moves on by one each round. */
export async function runRow(row: Row, options: RunOptions): Promise<RowResult> {
  const isAbout = (name: string): boolean => row.only?.includes(name) ?? true;
  const peers = options.peers.filter(({ name }) => isAbout(name));
  const missing = new Map(Object.entries(options.absent).filter(([name]) => isAbout(name)));
  const exclude = (peer: Peer, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    missing.set(peer.name, reason);
    options.onProgress(`${row.id}: ${peer.name} NOT MEASURED: ${reason}`);
  };
  const rounds: Round[] = [];
  const session = await row.open(options.context);
  try {
    const admitted = await admitPeers(row, session, peers, exclude);
    for (let count = 0; count < options.rounds; count++) {
      const round = new Map<string, Figures>();
      await session.beginRound?.();
      for (const peer of rotate(admitted, count)) {
        if (missing.has(peer.name)) continue;
        try {
          round.set(peer.name, await session.measure(peer));
        } catch (error) {
          exclude(peer, error);
        }
      }
      rounds.push(round);
      const texts = [...round].map(([name, figures]) => `${name} ${figures[row.headline]}`);
      options.onProgress(`${row.id} round ${count + 1}: ${texts.join(', ')}`);
    }
  } finally {
    await session.close();
  }
  // A peer that failed in a later round has figures of a broken run.
  const sound = rounds.map((round) => new Map([...round].filter(([name]) => !missing.has(name))));
  const summary = summarize(row.headline, sound);
  const notes = peers.flatMap(({ name, note }) => (note === undefined ? [] : [[name, note]]));
  const { id, title, unit, headline, isMoreBetter } = row;
  return {
    id,
    title,
    unit,
    headline,
    isMoreBetter,
    ...summary,
    targets: judge(unit, summary, targets[id]),
    notes: Object.fromEntries(notes),
    missing: Object.fromEntries(missing),
  };
}

/** Turns a list by so many places. */
export function rotate<Item>(items: readonly Item[], places: number): readonly Item[] {
  const start = items.length === 0 ? 0 : places % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function admitPeers(
  row: Row,
  session: RowSession,
  peers: readonly Peer[],
  exclude: (peer: Peer, error: unknown) => void,
): Promise<readonly Peer[]> {
  const admitted: Peer[] = [];
  for (const peer of peers) {
    const reason = peer.cannot?.[row.id];
    if (reason !== undefined) {
      exclude(peer, reason);
      continue;
    }
    try {
      await session.admit(peer);
      admitted.push(peer);
    } catch (error) {
      exclude(peer, error);
    }
  }
  return admitted;
}
