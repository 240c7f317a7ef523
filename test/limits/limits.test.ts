import { describe, expect, it } from 'vitest';
import type { LimitedRequest, LimitKey } from '../../src/limits/limit-key.ts';
import {
  createLimits,
  type ConcurrencyLimit,
  type LimitOutcome,
  type Limits,
  type RateLimit,
} from '../../src/limits/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';

const call: LimitedRequest = {
  principalId: 'key:a',
  client: undefined,
  address: '192.0.2.1',
  route: '/mcp',
  tool: undefined,
  isStream: false,
};

interface Bench extends Limits {
  readonly clock: ManualClock;
  /** How many of `count` calls at the same moment get in; they all end. */
  admitted(count: number, request?: Partial<LimitedRequest>): number;
  enterAs(request: Partial<LimitedRequest>): LimitOutcome;
}

function createBench(
  rates: readonly (Partial<RateLimit> & { per: LimitKey })[],
  concurrency: readonly (Partial<ConcurrencyLimit> & { per: LimitKey })[] = [],
): Bench {
  const clock = new ManualClock(0);
  const limits = createLimits({
    rates: rates.map((rate) => ({ requests: 10, within: 1000, routes: [], tools: [], ...rate })),
    concurrency: concurrency.map((limit) => ({ calls: undefined, streams: undefined, routes: [], ...limit })),
    clock,
  });
  const enterAs = (request: Partial<LimitedRequest>): LimitOutcome => limits.enter({ ...call, ...request });
  return {
    ...limits,
    clock,
    enterAs,
    admitted(count, request = {}) {
      const outcomes = Array.from({ length: count }, () => enterAs(request));
      for (const outcome of outcomes) if (outcome.kind === 'ok') outcome.leave();
      return outcomes.filter(({ kind }) => kind === 'ok').length;
    },
  };
}

function leave(outcome: LimitOutcome): void {
  expect(outcome.kind).toBe('ok');
  if (outcome.kind === 'ok') outcome.leave();
}

describe('rates', () => {
  it('let through a burst, and after it one at a time', () => {
    const bench = createBench([{ per: 'principal' }]);
    expect(bench.admitted(30)).toBe(10);
    const trace = Array.from({ length: 10 }, () => {
      bench.clock.advance(50);
      return bench.admitted(5);
    });
    expect(trace).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
  });

  it('give everything back to who rests', () => {
    const bench = createBench([{ per: 'principal' }]);
    bench.admitted(10);
    bench.clock.advance(1000);
    expect(bench.admitted(30)).toBe(10);
  });

  it('say when it is worth trying again', () => {
    const bench = createBench([{ per: 'principal', requests: 2, within: 60_000 }]);
    bench.admitted(2);
    expect(bench.enterAs({})).toEqual({
      kind: 'limited',
      retryAfter: 30,
      which: '2 requests in 1m by principal',
    });
    bench.clock.advance(29_500);
    expect(bench.enterAs({})).toMatchObject({ kind: 'limited', retryAfter: 1 });
    bench.clock.advance(500);
    expect(bench.enterAs({}).kind).toBe('ok');
  });

  it('name the limit that lasts the longest', () => {
    const bench = createBench([
      { per: 'principal', requests: 1, within: 1000 },
      { per: 'route', requests: 1, within: 10_000 },
    ]);
    bench.admitted(1);
    expect(bench.enterAs({})).toMatchObject({ retryAfter: 10, which: '1 requests in 10s by route' });
  });

  it('take nothing where another limit refuses', () => {
    const bench = createBench(
      [{ per: 'principal' }, { per: 'tool', requests: 1 }],
      [{ per: 'address', calls: 1 }],
    );
    expect(bench.admitted(1, { tool: 'search' })).toBe(1);
    expect(bench.admitted(50, { tool: 'search' })).toBe(0);
    const running = bench.enterAs({});
    expect(bench.enterAs({}).kind).toBe('limited');
    leave(running);
    // Two of ten are taken, whatever was refused meanwhile.
    const left = Array.from({ length: 30 }, () => bench.admitted(1));
    expect(left.filter((admitted) => admitted === 1)).toHaveLength(8);
  });

  it.each<[LimitKey, Partial<LimitedRequest>]>([
    ['principal', { principalId: 'key:b' }],
    ['client', { client: 'other' }],
    ['route', { route: '/other' }],
    ['tool', { tool: 'other' }],
    ['tool', { route: '/other' }],
  ])('by %s count %j apart, and nothing else', (per, different) => {
    const bench = createBench([{ per, requests: 1 }]);
    const same = { client: 'cli', tool: 'search' };
    expect(bench.admitted(2, same)).toBe(1);
    expect(bench.admitted(2, { ...same, ...different })).toBe(1);
    const others: Partial<LimitedRequest> = {
      principalId: 'key:c',
      client: 'third',
      address: '192.0.2.9',
      route: '/third',
      tool: 'third',
    };
    const kept = { principal: 'principalId', client: 'client', address: 'address', route: 'route' } as const;
    const keys = per === 'tool' ? (['route', 'tool'] as const) : [kept[per]];
    const agree = Object.fromEntries(keys.map((key) => [key, { ...call, ...same }[key]]));
    expect(bench.admitted(1, { ...others, ...agree })).toBe(0);
  });

  it('are for the routes and tools that they name', () => {
    const bench = createBench([{ per: 'principal', requests: 1, routes: ['/mcp'], tools: ['delete_*'] }]);
    expect(bench.admitted(5, { tool: 'delete_file' })).toBe(1);
    expect(bench.admitted(5, { tool: 'delete_all' })).toBe(0);
    expect(bench.admitted(5, { tool: 'search' })).toBe(5);
    expect(bench.admitted(5)).toBe(5);
    expect(bench.admitted(5, { tool: 'delete_file', route: '/other' })).toBe(5);
  });

  it('by tool leave alone what calls none', () => {
    const bench = createBench([{ per: 'tool', requests: 1 }], [{ per: 'tool', calls: 1 }]);
    expect(bench.admitted(5)).toBe(5);
  });

  it('attack: the wall clock is set back to stop the count', () => {
    const bench = createBench([{ per: 'principal' }]);
    bench.admitted(10);
    bench.clock.jump(-3_600_000);
    bench.clock.advance(100);
    expect(bench.admitted(10)).toBe(1);
    bench.clock.jump(7_200_000);
    expect(bench.admitted(10)).toBe(0);
  });
});

describe('the door', () => {
  const rates = [{ per: 'address' as const, requests: 3 }];

  it('counts by address before anything is believed', () => {
    const bench = createBench(rates);
    const at = (address: string): boolean => bench.admitUnauthenticated(address) === undefined;
    expect([1, 2, 3, 4].map(() => at('192.0.2.1'))).toEqual([true, true, true, false]);
    expect(at('192.0.2.2')).toBe(true);
    expect(bench.admitUnauthenticated('192.0.2.1')).toEqual({
      kind: 'limited',
      retryAfter: 1,
      which: '3 requests in 1s by address',
    });
  });

  it('and the inside do not count the same request twice', () => {
    const bench = createBench(rates);
    for (let request = 0; request < 3; request++) {
      expect(bench.admitUnauthenticated(call.address)).toBeUndefined();
      leave(bench.enterAs({}));
    }
    expect(bench.admitted(5)).toBe(5);
  });

  it('leaves rates of certain routes or tools to the inside', () => {
    const bench = createBench([
      { per: 'address', requests: 1, routes: ['/mcp'] },
      { per: 'address', requests: 1, tools: ['search'] },
      { per: 'principal', requests: 1 },
    ]);
    for (let request = 0; request < 5; request++)
      expect(bench.admitUnauthenticated(call.address)).toBeUndefined();
    expect(bench.admitted(5)).toBe(1);
  });

  it('is open without a rate', () => {
    const bench = createBench([]);
    for (let request = 0; request < 1000; request++)
      expect(bench.admitUnauthenticated(call.address)).toBeUndefined();
  });
});

describe('concurrency', () => {
  it('bounds calls and streams apart', () => {
    const bench = createBench([], [{ per: 'principal', calls: 2, streams: 1 }]);
    const calls = [bench.enterAs({}), bench.enterAs({})];
    const stream = bench.enterAs({ isStream: true });
    expect(bench.enterAs({})).toEqual({
      kind: 'limited',
      retryAfter: 1,
      which: '2 calls at a time by principal',
    });
    expect(bench.enterAs({ isStream: true })).toMatchObject({
      which: '1 streams at a time by principal',
    });
    expect(bench.enterAs({ principalId: 'key:b' }).kind).toBe('ok');
    for (const outcome of [...calls, stream]) leave(outcome);
    expect([bench.enterAs({}).kind, bench.enterAs({ isStream: true }).kind]).toEqual(['ok', 'ok']);
  });

  it('that names streams alone leaves calls alone', () => {
    const bench = createBench([], [{ per: 'address', streams: 1 }]);
    const calls = Array.from({ length: 100 }, () => bench.enterAs({}));
    expect(calls.every(({ kind }) => kind === 'ok')).toBe(true);
  });

  it('is for the routes that it names', () => {
    const bench = createBench([], [{ per: 'principal', calls: 1, routes: ['/mcp'] }]);
    bench.enterAs({});
    expect(bench.enterAs({}).kind).toBe('limited');
    expect([bench.enterAs({ route: '/b' }).kind, bench.enterAs({ route: '/b' }).kind]).toEqual(['ok', 'ok']);
  });

  it('attack: one call that ends twice makes room for two', () => {
    const bench = createBench([], [{ per: 'principal', calls: 2 }]);
    const first = bench.enterAs({});
    bench.enterAs({});
    leave(first);
    leave(first);
    expect([bench.enterAs({}).kind, bench.enterAs({}).kind]).toEqual(['ok', 'limited']);
  });

  it('holds nothing where one of several limits refuses', () => {
    const bench = createBench(
      [],
      [
        { per: 'principal', calls: 3 },
        { per: 'route', calls: 1 },
      ],
    );
    const first = bench.enterAs({});
    for (let attempt = 0; attempt < 10; attempt++) expect(bench.enterAs({}).kind).toBe('limited');
    leave(first);
    expect([1, 2, 3].map((route) => bench.enterAs({ route: `/${route}` }).kind)).toEqual(['ok', 'ok', 'ok']);
    expect(bench.enterAs({ route: '/4' }).kind).toBe('limited');
  });
});

describe('a batch', () => {
  const toBatch = (calls: Readonly<Record<string, number>>, others = 0): Map<string | undefined, number> =>
    new Map<string | undefined, number>([...Object.entries(calls), [undefined, others]]);

  it('batch-hiding: costs at every rate what its messages would cost one by one', () => {
    for (const per of ['principal', 'client', 'route', 'tool', 'address'] as const) {
      const bench = createBench([{ per, routes: ['/mcp'] }]);
      expect(bench.enterBatch(call, toBatch({ expensive: 11 })).kind).toBe('limited');
      expect(bench.enterBatch(call, toBatch({ expensive: 7 })).kind).toBe('ok');
      expect(bench.enterBatch(call, toBatch({ expensive: 4 })).kind).toBe('limited');
      expect(bench.admitted(9, { tool: 'expensive' })).toBe(3);
    }
  });

  it('batch-hiding: is counted by rates that name tools, and what else is in it is not', () => {
    const bench = createBench([{ per: 'principal', requests: 3, tools: ['delete_*'] }]);
    expect(bench.enterBatch(call, toBatch({ delete_a: 2, delete_b: 2 })).kind).toBe('limited');
    expect(bench.enterBatch(call, toBatch({ delete_a: 2, search: 50 }, 50)).kind).toBe('ok');
    expect(bench.admitted(5, { tool: 'delete_b' })).toBe(1);
  });

  it('batch-hiding: pays at the door for all but the message that was counted there', () => {
    const bench = createBench([{ per: 'address', requests: 5 }]);
    expect(bench.admitUnauthenticated(call.address)).toBeUndefined();
    expect(bench.enterBatch(call, toBatch({ search: 1 }, 3)).kind).toBe('ok');
    expect(bench.admitUnauthenticated(call.address)).toBeUndefined();
    expect(bench.admitUnauthenticated(call.address)).toMatchObject({ kind: 'limited' });
  });

  it('batch-hiding: takes as many places as calls run, and gives them back once', () => {
    const bench = createBench([], [{ per: 'tool', calls: 3 }]);
    expect(bench.enterBatch(call, toBatch({ slow: 4 })).kind).toBe('limited');
    const batch = bench.enterBatch(call, toBatch({ slow: 2, quick: 3 }));
    expect([1, 2].map(() => bench.enterAs({ tool: 'slow' }).kind)).toEqual(['ok', 'limited']);
    expect(bench.enterAs({ tool: 'quick' }).kind).toBe('limited');
    leave(batch);
    leave(batch);
    expect([1, 2, 3].map(() => bench.enterAs({ tool: 'slow' }).kind)).toEqual(['ok', 'ok', 'limited']);
  });

  it('takes nothing where one limit refuses', () => {
    const bench = createBench(
      [{ per: 'principal' }, { per: 'tool', requests: 2 }],
      [{ per: 'route', calls: 4 }],
    );
    expect(bench.enterBatch(call, toBatch({ search: 3 })).kind).toBe('limited');
    expect(bench.enterBatch(call, toBatch({}, 5))).toMatchObject({ which: '4 calls at a time by route' });
    leave(bench.enterBatch(call, toBatch({ search: 2 }, 2)));
    leave(bench.enterBatch(call, toBatch({ other: 2 }, 2)));
    leave(bench.enterBatch(call, toBatch({ third: 2 })));
    expect(bench.admitted(5)).toBe(0);
  });

  it('says when it is worth trying again', () => {
    const bench = createBench([{ per: 'principal', requests: 6, within: 60_000 }]);
    leave(bench.enterBatch(call, toBatch({}, 6)));
    expect(bench.enterBatch(call, toBatch({}, 3))).toEqual({
      kind: 'limited',
      retryAfter: 30,
      which: '6 requests in 1m by principal',
    });
  });

  it('key-flush: of a thousand names that nobody has is refused, and the counts of others stay', () => {
    const bench = createBench([{ per: 'tool', requests: 1 }]);
    bench.admitted(1, { tool: 'expensive' });
    const names = new Map(Array.from({ length: 70_000 }, (_, at) => [`t${at}`, 1] as const));
    for (let turn = 0; turn < 3; turn++) {
      expect(bench.enterBatch(call, names).kind).toBe('limited');
      expect(bench.admitted(1, { tool: 'expensive' })).toBe(0);
    }
  });
});

describe('who is nobody', () => {
  it('attack: calls without identity slip past limits by principal or client', () => {
    for (const per of ['principal', 'client'] as const) {
      const bench = createBench([{ per }], [{ per, calls: 20 }]);
      const nobody = { principalId: undefined, client: undefined };
      expect(bench.admitted(30, nobody)).toBe(10);
      expect(bench.admitted(30, { ...nobody, address: '192.0.2.2' })).toBe(10);
    }
  });

  it('attack: an identity that is spelled like an address uses up what belongs to it', () => {
    const bench = createBench([{ per: 'client' }]);
    bench.admitted(30, { client: call.address });
    expect(bench.admitted(30, { principalId: undefined })).toBe(10);
  });

  it('a principal without a client is counted as itself', () => {
    const bench = createBench([{ per: 'client' }]);
    expect(bench.admitted(30)).toBe(10);
    expect(bench.admitted(30, { principalId: 'key:b' })).toBe(10);
  });
});
