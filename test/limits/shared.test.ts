import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountsElsewhere } from '../../src/limits/elsewhere.ts';
import { createLimits, type Limits, type LimitsOptions } from '../../src/limits/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';

const request = {
  principalId: 'key:ci',
  client: undefined,
  address: '192.0.2.1',
  route: '/mcp',
  tool: undefined,
  isStream: false,
} as const;
const rates = [{ per: 'principal', requests: 4, within: 60_000, routes: [], tools: [] }] as const;
const door = [{ per: 'address', requests: 4, within: 60_000, routes: [], tools: [] }] as const;
const concurrency = [{ per: 'principal', calls: 2, streams: 1, routes: [] }] as const;

function createPair(options: Partial<LimitsOptions>): {
  readonly both: readonly [Limits, Limits];
  readonly exchange: () => void;
} {
  const clock = new ManualClock();
  const create = (): Limits =>
    createLimits({ rates: [], concurrency: [], clock, isShared: true, ...options });
  const both = [create(), create()] as const;
  return {
    both,
    exchange() {
      for (const [from, to, number] of [
        [both[0], both[1], 1],
        [both[1], both[0], 2],
      ] as const) {
        const news = from.readNews();
        if (news !== undefined) to.hear(number, structuredClone(news));
      }
    },
  };
}

const countLetIn = (limits: Limits, times: number): number =>
  Array.from({ length: times }, () => limits.enter(request)).filter(({ kind }) => kind === 'ok').length;

describe('limits that processes share', () => {
  it('count what the others let in', () => {
    const { both, exchange } = createPair({ rates });
    expect(countLetIn(both[0], 3)).toBe(3);
    exchange();
    expect(countLetIn(both[1], 3)).toBe(1);
    exchange();
    expect(countLetIn(both[0], 1)).toBe(0);
  });

  it('batch-hiding: count each message of a batch that another let in, and what runs of it', () => {
    const tools = new Map([['search', 3]]);
    const { both, exchange } = createPair({ rates, concurrency: [{ ...concurrency[0], calls: 4 }] });
    const batch = both[0].enterBatch(request, tools);
    exchange();
    expect(both[1].enterBatch(request, new Map([['search', 2]])).kind).toBe('limited');
    expect(countLetIn(both[1], 3)).toBe(1);
    expect(both[0].summarise()).toMatchObject({
      spent: [[['key:ci', 3]]],
      running: [[['key:ci', { calls: 3, streams: 0 }]]],
    });
    if (batch.kind === 'ok') batch.leave();
    expect(both[0].summarise()).toMatchObject({ running: [[]] });
  });

  it('control: without news each counts for itself', () => {
    const { both } = createPair({ rates });
    expect(countLetIn(both[0], 9) + countLetIn(both[1], 9)).toBe(8);
  });

  it('count at the door, too', () => {
    const { both, exchange } = createPair({ rates: door });
    for (let count = 0; count < 4; count++) expect(both[0].admitUnauthenticated('192.0.2.1')).toBeUndefined();
    exchange();
    expect(both[1].admitUnauthenticated('192.0.2.1')).toMatchObject({ kind: 'limited' });
    expect(both[1].admitUnauthenticated('192.0.2.2')).toBeUndefined();
  });

  it('know what runs elsewhere, until it has ended', () => {
    const { both, exchange } = createPair({ concurrency });
    const held = both[0].enter({ ...request, isStream: true });
    exchange();
    expect(both[1].enter({ ...request, isStream: true }).kind).toBe('limited');
    expect(both[1].enter(request).kind).toBe('ok');
    if (held.kind === 'ok') held.leave();
    exchange();
    expect(both[1].enter({ ...request, isStream: true }).kind).toBe('ok');
  });

  it('forget what ran in a process that died', () => {
    const { both, exchange } = createPair({ concurrency });
    both[0].enter({ ...request, isStream: true });
    exchange();
    both[1].forget(1);
    expect(both[1].enter({ ...request, isStream: true }).kind).toBe('ok');
  });

  it('do not listen to those of another configuration', () => {
    const { both } = createPair({ rates });
    const other = createPair({ rates: [{ ...rates[0], requests: 5 }] }).both[0];
    countLetIn(other, 5);
    both[0].hear(9, other.readNews() ?? { limits: '', taken: [], running: [] });
    expect(countLetIn(both[0], 9)).toBe(4);
  });

  it('have nothing to tell when nothing was counted, nor where they are not shared', () => {
    const { both } = createPair({ rates });
    expect(both[0].readNews()).toBeUndefined();
    countLetIn(both[0], 1);
    expect(both[0].readNews()).toMatchObject({ taken: [[['key:ci', 1]]] });
    expect(both[0].readNews()).toBeUndefined();
    const alone = createLimits({ rates, concurrency, clock: new ManualClock() });
    countLetIn(alone, 1);
    expect(alone.readNews()).toBeUndefined();
  });

  it('let nobody wait for longer than two allowances, whatever the others say', () => {
    const { both } = createPair({ rates });
    const [mine] = both;
    countLetIn(mine, 1);
    const { limits } = mine.readNews() ?? { limits: '' };
    mine.hear(1, { limits, taken: [[['key:ci', 1_000_000]]], running: [] });
    const outcome = mine.enter(request);
    expect(outcome).toMatchObject({ kind: 'limited' });
    expect(outcome.kind === 'limited' && outcome.retryAfter).toBeLessThanOrEqual(120);
  });
});

it('counts elsewhere are the sum of what each last said, in any order and however often', () => {
  const news = fc.record({
    member: fc.integer({ min: 1, max: 3 }),
    key: fc.constantFrom('a', 'b'),
    calls: fc.integer({ min: 0, max: 5 }),
    streams: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(news), fc.option(fc.integer({ min: 1, max: 3 })), (told, dead) => {
      const counts = new CountsElsewhere();
      const last = new Map<string, { key: string; calls: number; streams: number }>();
      for (const { member, key, calls, streams } of told) {
        counts.set(member, key, { calls, streams });
        last.set(`${member} ${key}`, { key, calls, streams });
      }
      if (dead !== null) {
        counts.forget(dead);
        for (const name of last.keys()) if (name.startsWith(`${dead} `)) last.delete(name);
      }
      for (const key of ['a', 'b']) {
        const own = [...last.values()].filter((each) => each.key === key);
        expect(counts.get(key)).toEqual({
          calls: own.reduce((sum, { calls }) => sum + calls, 0),
          streams: own.reduce((sum, { streams }) => sum + streams, 0),
        });
      }
    }),
  );
});
