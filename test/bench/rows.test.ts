import { describe, expect, it } from 'vitest';
import type { Peer } from '../../bench/peer.ts';
import { allRows } from '../../bench/rows/all.ts';
import { toFigures } from '../../bench/rows/idle-memory.ts';
import { refuseOtherLimits, toWorkerFigures } from '../../bench/rows/workers.ts';
import type { Row, RowContext } from '../../bench/row.ts';
import { rotate, runRow } from '../../bench/run-row.ts';
import type { Summary } from '../../bench/statistics.ts';
import { targets } from '../../bench/targets.ts';
import { judge } from '../../bench/verdicts.ts';

const context: RowContext = { directory: '', certFile: '', keyFile: '', seconds: 1, isQuick: true };

function createPeer(name: string, cannot: Readonly<Record<string, string>> = {}): Peer {
  return {
    name,
    cannot,
    find: () => ({ kind: 'found', version: '1' }),
    prepare: () => Promise.reject(new Error('not started in this test')),
  };
}

/** A row that says who was measured, and refuses or breaks on demand. */
function createRow(order: string[], failures: { admit?: string; measure?: string } = {}): Row {
  return {
    id: 'row',
    title: 'row',
    unit: 'µs',
    headline: 'x',
    isMoreBetter: false,
    open: () =>
      Promise.resolve({
        admit: ({ name }) =>
          name === failures.admit ? Promise.reject(new Error('wrong answer')) : Promise.resolve(),
        measure({ name }) {
          order.push(name);
          return name === failures.measure
            ? Promise.reject(new Error('it broke'))
            : Promise.resolve({ x: 1 });
        },
        close: () => Promise.resolve(order.push('closed')).then(() => undefined),
      }),
  };
}

const run = (row: Row, peers: readonly Peer[], rounds: number): ReturnType<typeof runRow> =>
  runRow(row, { peers, absent: { apache: 'not installed' }, rounds, context, onProgress: () => undefined });

describe('a row', () => {
  it('measures every peer once a round and begins with another one each time', async () => {
    const order: string[] = [];
    await run(
      createRow(order),
      ['a', 'b', 'c'].map((name) => createPeer(name)),
      3,
    );
    expect(order.join('')).toBe('abcbcacabclosed');
  });

  it('says why a peer has no figure', async () => {
    const peers = [createPeer('a'), createPeer('b'), createPeer('c'), createPeer('d', { row: 'cannot' })];
    const order: string[] = [];
    const result = await run(createRow(order, { admit: 'b', measure: 'c' }), peers, 2);
    expect(result.missing).toEqual({
      apache: 'not installed',
      b: 'wrong answer',
      c: 'it broke',
      d: 'cannot',
    });
    expect(result.values).toEqual({ a: 1 });
    expect(order.filter((name) => name === 'c')).toHaveLength(1);
  });

  it('turns lists', () => {
    expect(rotate([1, 2, 3], 4)).toEqual([2, 3, 1]);
    expect(rotate([], 4)).toEqual([]);
  });
});

describe('targets', () => {
  const summary: Summary = {
    values: { breakwater: 150, nginx: 100 },
    ratios: { nginx: 1.5 },
    executableRatios: {},
    points: {},
    rounds: 1,
    discarded: 0,
  };
  const outcomes = (row: Parameters<typeof judge>[2]): readonly string[] =>
    judge('µs', summary, row).map(({ outcome }) => outcome);

  it('are reached, not reached, or not measured', () => {
    const judged = outcomes({
      breakwater: [
        { kind: 'at-least', peer: 'nginx', ratio: 1.5 },
        { kind: 'at-least', peer: 'nginx', ratio: 1.6 },
        { kind: 'at-most', peer: 'nginx', ratio: 1.4 },
        { kind: 'beyond', peer: 'nginx', units: 60 },
        { kind: 'beyond', peer: 'nginx', units: 40 },
        { kind: 'value', atMost: 150 },
        { kind: 'at-most', peer: 'caddy', ratio: 1 },
      ],
      'breakwater-executable': [{ kind: 'value', atMost: 400 }],
    });
    const [yes, no, none] = ['reached', 'NOT REACHED', 'NOT MEASURED'];
    expect(judged).toEqual([yes, no, no, yes, no, yes, none, none]);
  });

  it('belong to rows that exist', () => {
    const ids = allRows.map(({ id }) => id);
    expect(Object.keys(targets).filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(12);
  });
});

describe('the memory of streams', () => {
  it('is told at each number of streams, with the slope between them', () => {
    const figures = toFigures([
      [1000, 60_000_000],
      [5000, 260_000_000],
      [10_000, 510_000_000],
    ]);
    expect(figures).toEqual({
      'most streams': 51_000,
      '1000 streams': 60_000,
      '5000 streams': 52_000,
      '10000 streams': 51_000,
      slope: 50_000,
      'deviation %': 0,
    });
  });
});

describe('the row of workers', () => {
  const one = { perSecond: 4000, cpuPerThousand: 80.004, busiest: 1, used: 0.99, loadCore: 0.4 };
  const two = { perSecond: 7800, cpuPerThousand: 82, busiest: 0.52, used: 0.97, loadCore: 0.7 };

  it('is about Breakwater alone', async () => {
    const order: string[] = [];
    const result = await run(
      { ...createRow(order), only: ['b'] },
      ['a', 'b'].map((name) => createPeer(name)),
      1,
    );
    expect(order).toEqual(['b', 'closed']);
    expect(result.missing).toEqual({});
  });

  it('divides the calls of two workers by those of one', () => {
    expect(toWorkerFigures(one, two)).toEqual({
      'two / one': 1.95,
      'one worker, calls/s': 4000,
      'two workers, calls/s': 7800,
      'one worker, CPU ms per 1,000 calls': 80,
      'two workers and supervisor, CPU ms per 1,000 calls': 82,
      'share of the busier worker, %': 52,
      'quota used, %': 97,
      'core of the load busy, %': 70,
    });
  });

  it('is not measured where something else than the quota may have been the limit', () => {
    expect(() => refuseOtherLimits(one, two)).not.toThrow();
    expect(() => refuseOtherLimits(one, { ...two, used: 0.8 })).toThrow('used 80 % of its quota');
    expect(() => refuseOtherLimits(one, { ...two, loadCore: 0.99 })).toThrow('busy for 99 %');
  });
});
