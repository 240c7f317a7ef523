import { describe, expect, it } from 'vitest';
import { createOwnerCodes, type OwnerCodes } from '../../../src/auth/server/owner-codes.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function create(): {
  readonly codes: OwnerCodes;
  readonly shown: readonly string[];
  readonly clock: ManualClock;
  readonly store: Store;
} {
  const clock = new ManualClock(1_800_000_000_000);
  const store = createMemoryStore({ clock });
  const shown: string[] = [];
  return { codes: createOwnerCodes({ store, clock, show: (code) => shown.push(code) }), shown, clock, store };
}

const home = '192.0.2.7';

describe('codes for the owner', () => {
  it('count once, as people type them', async () => {
    const { codes, shown } = create();
    await codes.issue('flow', home);
    const [code = ''] = shown;
    const typed = ` ${code.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').replace('-', ' ')}`;
    expect(await codes.redeem('flow', typed, home)).toBe('ok');
    expect(await codes.redeem('flow', code, home)).toBe('expired');
  });

  it('count for ten minutes', async () => {
    const { codes, shown, clock } = create();
    await codes.issue('flow', home);
    clock.advance(599_999);
    await codes.issue('late', home);
    expect(await codes.redeem('flow', shown[0] ?? '', home)).toBe('ok');
    clock.advance(600_000);
    expect(await codes.redeem('late', shown[1] ?? '', home)).toBe('expired');
  });

  it('code-for-another-flow: a code counts where it was asked for', async () => {
    const { codes, shown } = create();
    await codes.issue('one', home);
    await codes.issue('two', home);
    expect(await codes.redeem('two', shown[0] ?? '', home)).toBe('wrong');
    expect(await codes.redeem('none', shown[0] ?? '', home)).toBe('expired');
  });

  it('code-flood: five in ten minutes, then more', async () => {
    const { codes, clock } = create();
    const outcomes: string[] = [];
    for (let index = 0; index < 6; index += 1) outcomes.push(await codes.issue(`flow ${index}`, home));
    expect(outcomes).toEqual(['shown', 'shown', 'shown', 'shown', 'shown', 'throttled']);
    clock.advance(600_000);
    expect(await codes.issue('flow', home)).toBe('shown');
  });

  it('code-flood: a stranger, or many, keep the owner out neither at home nor elsewhere', async () => {
    const { codes, shown, clock } = create();
    await codes.issue('first', home);
    expect(await codes.redeem('first', shown[0] ?? '', home)).toBe('ok');
    clock.advance(600_000);
    for (let index = 0; index < 9; index += 1)
      await codes.issue(`stranger ${index}`, `2001:db8:1:2::${index}`);
    expect(shown).toHaveLength(6);
    expect(await codes.issue('elsewhere', '198.51.100.1')).toBe('shown');
    for (let index = 0; index < 1000; index += 1)
      await codes.issue(`many ${index}`, `203.0.113.${index % 250}`);
    // The terminal can still be read.
    expect(shown).toHaveLength(101);
    expect(await codes.issue('stranger', '198.51.100.2')).toBe('throttled');
    expect(await codes.issue('home', home)).toBe('shown');
  });

  it('a new code takes the place of the last one of its flow', async () => {
    const { codes, shown } = create();
    await codes.issue('flow', home);
    await codes.issue('flow', home);
    expect(await codes.redeem('flow', shown[0] ?? '', home)).toBe('wrong');
    expect(await codes.redeem('flow', shown[1] ?? '', home)).toBe('ok');
  });

  it('the store does not hold the code', async () => {
    const { codes, shown, store } = create();
    await codes.issue('flow', home);
    const plain = (shown[0] ?? '').replace('-', '');
    expect(plain).toMatch(/^[\dA-Z]{8}$/);
    expect(JSON.stringify(await store.list('OwnerCode'))).not.toContain(plain);
  });
});
