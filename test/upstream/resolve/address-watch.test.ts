import { describe, expect, it } from 'vitest';
import { AddressWatch } from '../../../src/upstream/resolve/address-watch.ts';
import { resolveBySystem, selectAddresses } from '../../../src/upstream/resolve/system-resolver.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Found = readonly string[] | Error;

interface Bench {
  readonly clock: ManualClock;
  readonly watch: AddressWatch;
  /** The addresses after each change; those that have gone in brackets. */
  readonly changes: string[];
  readonly troubles: (string | undefined)[];
  /** When the name was asked for. */
  readonly asked: number[];
  /** What the name resolves to; `undefined` leaves the query without an answer. */
  finds: Found | undefined;
  /** Lets time pass second by second, with the answers that come in between. */
  pass(seconds: number): Promise<void>;
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function startBench(finds: Found | undefined, random = 0.5): Bench {
  const clock = new ManualClock();
  const bench: Omit<Bench, 'watch'> = {
    clock,
    changes: [],
    troubles: [],
    asked: [],
    finds,
    async pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        await Promise.resolve().then(() => undefined);
        await Promise.resolve();
        clock.advance(1000);
      }
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
  const watch = new AddressWatch({
    host: 'mcp.example.svc',
    clock,
    random: () => random,
    resolve(host) {
      expect(host).toBe('mcp.example.svc');
      bench.asked.push(clock.monotonic());
      const { finds: found } = bench;
      if (found === undefined) return new Promise(() => undefined);
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
    onTrouble: (reason) => bench.troubles.push(reason),
  });
  watch.watch(() => {
    bench.changes.push(
      watch.addresses.map(({ address, isPresent }) => (isPresent ? address : `(${address})`)).join(' '),
    );
  });
  return Object.assign(bench, { watch });
}

describe('a name that is watched', () => {
  it('is resolved at once and every ten seconds, and only changes are told', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    await bench.pass(25);
    expect(bench.asked).toEqual([0, 10_000, 20_000]);
    expect(bench.changes).toEqual(['127.0.0.2 127.0.0.3']);
    expect(bench.watch.addresses.map(({ since }) => since)).toEqual([undefined, undefined]);
    bench.finds = ['127.0.0.3', '127.0.0.4'];
    await bench.pass(10);
    expect(bench.changes[1]).toBe('(127.0.0.2) 127.0.0.3 127.0.0.4');
    expect(bench.watch.addresses.map(({ since }) => since)).toEqual([30_000, undefined, 30_000]);
    expect(bench.troubles).toEqual([]);
  });

  it('keeps an address that has gone for an hour, for what was begun there', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    await bench.pass(1);
    bench.finds = ['127.0.0.3'];
    await bench.pass(3600);
    expect(bench.changes.slice(1)).toEqual(['(127.0.0.2) 127.0.0.3']);
    await bench.pass(20);
    expect(bench.changes.slice(2)).toEqual(['127.0.0.3']);
  });

  it('takes an address back that had gone', async () => {
    const bench = startBench(['127.0.0.2', '127.0.0.3']);
    await bench.pass(1);
    bench.finds = ['127.0.0.3'];
    await bench.pass(10);
    bench.finds = ['127.0.0.2', '127.0.0.3'];
    await bench.pass(10);
    expect(bench.changes.slice(1)).toEqual(['(127.0.0.2) 127.0.0.3', '127.0.0.2 127.0.0.3']);
  });

  it('tells nobody who does not listen any more', async () => {
    const bench = startBench(['127.0.0.2']);
    let calls = 0;
    const stop = bench.watch.watch(() => calls++);
    await bench.pass(1);
    stop();
    bench.finds = ['127.0.0.3'];
    await bench.pass(20);
    expect(calls).toBe(1);
    expect(bench.changes).toHaveLength(2);
  });

  it.each([
    [failure('ENOTFOUND'), 'is not known'],
    [failure('EAI_AGAIN'), 'cannot be resolved just now'],
    [failure('EAI_FAIL'), 'cannot be resolved (EAI_FAIL)'],
    [[], 'has no address'],
  ])('keeps its addresses while it fails by %j, and says so once', async (finds, reason) => {
    const bench = startBench(['127.0.0.2']);
    await bench.pass(1);
    bench.finds = finds;
    await bench.pass(60);
    expect(bench.troubles).toEqual([reason]);
    expect(bench.watch.addresses).toEqual([{ address: '127.0.0.2', isPresent: true, since: undefined }]);
    bench.finds = ['127.0.0.2'];
    await bench.pass(20);
    expect(bench.troubles).toEqual([reason, undefined]);
    expect(bench.changes).toHaveLength(1);
  });

  it('is asked for every second until there is an address', async () => {
    const bench = startBench(failure('ENOTFOUND'));
    await bench.pass(5);
    expect(bench.asked.length).toBeGreaterThanOrEqual(5);
    expect(bench.changes).toEqual([]);
    bench.finds = ['127.0.0.2'];
    await bench.pass(30);
    expect(bench.changes).toHaveLength(1);
    expect(bench.asked.length).toBeLessThan(12);
  });

  it('is never asked for twice at a time, and not after the end', async () => {
    const bench = startBench(undefined);
    await bench.pass(60);
    expect(bench.asked).toHaveLength(1);
    const closed = startBench(['127.0.0.2']);
    closed.watch.close();
    await closed.pass(60);
    expect(closed.asked).toHaveLength(1);
    expect(closed.changes).toEqual([]);
    expect(closed.clock.pending).toBe(0);
  });
});

describe('the resolver of the system', () => {
  it('knows the hosts file, and fails for a name that is not', async () => {
    const [first] = await resolveBySystem('localhost');
    expect(first).toMatch(/^(?:127\.0\.0\.1|::1)$/);
    await expect(resolveBySystem('nobody.invalid')).rejects.toThrow();
  });

  it('takes one family, the first, so that no server is there twice', () => {
    const six = { address: '2001:db8::1', family: 6 };
    const four = { address: '10.0.0.2', family: 4 };
    const other = { address: '10.0.0.1', family: 4 };
    expect(selectAddresses([four, six, other, four])).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(selectAddresses([six, four])).toEqual(['2001:db8::1']);
    expect(selectAddresses([])).toEqual([]);
  });
});
