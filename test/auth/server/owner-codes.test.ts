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

describe('codes for the owner', () => {
  it('count once, as people type them', async () => {
    const { codes, shown } = create();
    await codes.issue('flow');
    const [code = ''] = shown;
    const typed = ` ${code.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').replace('-', ' ')}`;
    expect(await codes.redeem('flow', typed)).toBe('ok');
    expect(await codes.redeem('flow', code)).toBe('expired');
  });

  it('count for ten minutes', async () => {
    const { codes, shown, clock } = create();
    await codes.issue('flow');
    clock.advance(599_999);
    await codes.issue('late');
    expect(await codes.redeem('flow', shown[0] ?? '')).toBe('ok');
    clock.advance(600_000);
    expect(await codes.redeem('late', shown[1] ?? '')).toBe('expired');
  });

  it('code-for-another-flow: a code counts where it was asked for', async () => {
    const { codes, shown } = create();
    await codes.issue('one');
    await codes.issue('two');
    expect(await codes.redeem('two', shown[0] ?? '')).toBe('wrong');
    expect(await codes.redeem('none', shown[0] ?? '')).toBe('expired');
  });

  it('code-flood: five in ten minutes, then more', async () => {
    const { codes, clock } = create();
    const outcomes: string[] = [];
    for (let index = 0; index < 6; index += 1) outcomes.push(await codes.issue(`flow ${index}`));
    expect(outcomes).toEqual(['shown', 'shown', 'shown', 'shown', 'shown', 'throttled']);
    clock.advance(600_000);
    expect(await codes.issue('flow')).toBe('shown');
  });

  it('a new code takes the place of the last one of its flow', async () => {
    const { codes, shown } = create();
    await codes.issue('flow');
    await codes.issue('flow');
    expect(await codes.redeem('flow', shown[0] ?? '')).toBe('wrong');
    expect(await codes.redeem('flow', shown[1] ?? '')).toBe('ok');
  });

  it('the store does not hold the code', async () => {
    const { codes, shown, store } = create();
    await codes.issue('flow');
    const plain = (shown[0] ?? '').replace('-', '');
    expect(plain).toMatch(/^[\dA-Z]{8}$/);
    expect(JSON.stringify(await store.list('OwnerCode'))).not.toContain(plain);
  });
});
