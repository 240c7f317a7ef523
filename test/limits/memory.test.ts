import { describe, expect, it } from 'vitest';
import { createLimits } from '../../src/limits/limits.ts';
import { createRateGate } from '../../src/limits/rate-gate.ts';
import { RecentKeys } from '../../src/limits/recent-keys.ts';
import { createSlots, releaseSlot, takeSlot } from '../../src/limits/slots.ts';
import { ManualClock } from '../support/manual-clock.ts';

function createCounts(limit: number): RecentKeys<{ count: number }> {
  return new RecentKeys({ create: () => ({ count: 0 }), limit, lifetime: 1000 });
}

describe('recent keys', () => {
  it('attack: 1,000,000 addresses fill the memory', () => {
    const keys = createCounts(1000);
    let most = 0;
    for (let address = 0; address < 1_000_000; address++) {
      keys.get(`2001:db8:${address.toString(16)}::/64`, 0);
      if (keys.size > most) most = keys.size;
    }
    expect(most).toBe(1000);
  });

  it('keep who is used, however many others come', () => {
    const keys = createCounts(1000);
    for (let other = 0; other < 10_000; other++) {
      keys.get(`other ${other}`, 0);
      if (other % 400 === 0) keys.get('steady', 0).count++;
    }
    expect(keys.get('steady', 0).count).toBe(25);
  });

  it('forget nothing within a lifetime, and everything that rests for two', () => {
    const keys = createCounts(1000);
    keys.get('first', 500).count = 1;
    keys.get('x', 1500);
    expect(keys.get('first', 1500).count).toBe(1);
    keys.get('x', 2500);
    keys.get('x', 3500);
    expect(keys.get('first', 3500).count).toBe(0);
    keys.get('x', 9000);
    expect(keys.size).toBe(1);
  });
});

describe('a rate', () => {
  it('forgets nobody who still has something to wait for', () => {
    const gate = createRateGate({ requests: 10, within: 1000, keys: 100 });
    let taken = 0;
    for (let now = 0; now < 20_000; now += 7) {
      // Takes whenever it can: all of the ten, and then one each 100 ms, whenever generations turn.
      if (gate.waitFor('greedy', now) > 0) continue;
      gate.take('greedy', now);
      taken++;
    }
    expect(taken).toBe(10 + Math.floor((20_000 - 1) / 100));
  });

  it('is the same as one that remembers everything (model)', () => {
    const gate = createRateGate({ requests: 7, within: 1000, keys: 1000 });
    const model = new Map<string, number>();
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let now = 0;
    for (let step = 0; step < 50_000; step++) {
      now += random() < 0.01 ? random() * 5000 : random() * 40;
      const key = `k${Math.floor(random() * 8)}`;
      const full = Math.max(model.get(key) ?? 0, now);
      const allowed = full + 1000 / 7 - now <= 1000 + 1e-6;
      const wait = gate.waitFor(key, now);
      expect(wait <= 1e-6).toBe(allowed);
      if (wait > 0) continue;
      gate.take(key, now);
      model.set(key, full + 1000 / 7);
    }
  });
});

describe('slots', () => {
  it('attack: 1,000,000 keys fill the memory', () => {
    const slots = createSlots({ calls: 2, streams: 2 });
    for (let key = 0; key < 1_000_000; key++) {
      const slot = slots.get(`k${key}`);
      takeSlot(slot, key % 2 === 0);
      releaseSlot(slot, key % 2 === 0);
    }
    expect(slots.size).toBe(4096);
    const held = Array.from({ length: 10_000 }, (_, key) => slots.get(`held ${key}`));
    for (const slot of held) takeSlot(slot, false);
    expect(slots.size).toBe(14_096);
    for (const slot of held) releaseSlot(slot, false);
    expect(slots.size).toBe(4096);
  });

  it('keep the count of a key that is let go and taken again', () => {
    const slots = createSlots({ calls: 1, streams: undefined });
    const first = slots.get('k');
    takeSlot(first, false);
    expect(slots.hasRoom(slots.get('k'), false)).toBe(false);
    releaseSlot(first, false);
    takeSlot(slots.get('k'), false);
    expect(slots.hasRoom(slots.get('k'), false)).toBe(false);
  });

  it('of a limit of none have no room', () => {
    const slots = createSlots({ calls: 0, streams: undefined });
    expect(slots.hasRoom(slots.get('k'), false)).toBe(false);
  });
});

describe('attack: a thousand names of tools of a megabyte each fill the memory', () => {
  const request = { principalId: 'key:a', client: undefined, address: '192.0.2.1', route: '/mcp' };

  it('are one name', () => {
    const limits = createLimits({
      rates: [{ per: 'tool', requests: 10, within: 1000, routes: [], tools: [] }],
      concurrency: [],
      clock: new ManualClock(0),
    });
    const enter = (tool: string): string => limits.enter({ ...request, tool, isStream: false }).kind;
    const kinds = Array.from({ length: 100 }, (_, at) => enter('x'.repeat(1_000_000) + String(at)));
    expect(kinds.filter((kind) => kind === 'ok')).toHaveLength(10);
    expect(enter('x'.repeat(128))).toBe('ok');
  });
});
