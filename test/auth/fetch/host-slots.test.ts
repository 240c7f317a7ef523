import { describe, expect, it } from 'vitest';
import { createHostSlots, type HostSlots, type Priority } from '../../../src/auth/fetch/host-slots.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const host = 'id.example.com';

/** Slots of one host, all of which are in use, and in which order those got one that waited. */
function createBusy({ total = 32 }: { readonly total?: number } = {}): {
  readonly slots: HostSlots;
  readonly clock: ManualClock;
  readonly served: readonly string[];
  readonly wait: (name: string, priority: Priority, at?: string) => Promise<boolean>;
} {
  const clock = new ManualClock();
  const slots = createHostSlots({ perHost: 1, total, clock });
  const served: string[] = [];
  slots.take(host);
  return {
    slots,
    clock,
    served,
    async wait(name, priority, at = host) {
      const isServed = await slots.wait(at, priority);
      if (isServed) served.push(name);
      return isServed;
    },
  };
}

describe('whoever waits for a slot', () => {
  it('gets it in turn: high priority first, but for one in four', async () => {
    const { slots, served, wait } = createBusy();
    for (const name of ['l1', 'l2']) void wait(name, 'low');
    for (const name of ['h1', 'h2', 'h3', 'h4', 'h5']) void wait(name, 'high');
    for (let turn = 1; turn <= 7; turn++) {
      slots.give(host);
      await Promise.resolve();
      await Promise.resolve();
      expect(served).toHaveLength(turn);
    }
    expect(served).toEqual(['h1', 'h2', 'h3', 'l1', 'h4', 'h5', 'l2']);
    expect(slots.take(host)).toBe(false);
    slots.give(host);
    expect(slots.take(host)).toBe(true);
  });

  it('of low priority goes after three seconds, and leaves no timer behind', async () => {
    const { slots, clock, wait } = createBusy();
    const late = wait('late', 'low');
    const known = wait('known', 'high');
    clock.advance(2999);
    const served = wait('served', 'low');
    clock.advance(1);
    expect(await late).toBe(false);
    clock.advance(2000);
    slots.give(host);
    expect(await known).toBe(true);
    slots.give(host);
    expect(await served).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['low', 100],
    ['high', 20_000],
  ] as const)('fetch-flood: of %s priority %i wait, and no more', async (priority, longest) => {
    const { slots } = createBusy();
    const waiting = Array.from({ length: longest }, () => slots.wait(host, priority));
    expect(await slots.wait(host, priority)).toBe(false);
    slots.give(host);
    expect(await waiting[0]).toBe(true);
  });

  it('gets the one of another host, where all were in use', async () => {
    const { slots, served, wait } = createBusy({ total: 1 });
    const other = wait('other', 'low', 'other.example.com');
    slots.give(host);
    await other;
    expect(served).toEqual(['other']);
  });
});
