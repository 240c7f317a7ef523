import { describe, expect, it } from 'vitest';
import { MemoryGuard } from '../../src/gateway/memory-guard.ts';

/** What the guard says about each share of memory in use, asked once a second. */
function ask(shares: readonly number[]): boolean[] {
  let used = 0;
  const guard = new MemoryGuard(() => [
    { used: 1, limit: 100 },
    { used, limit: 100 },
  ]);
  return shares.map((share, second) => {
    used = share;
    return guard.isShort(second * 1000);
  });
}

describe('memory', () => {
  it('is short above 85 %, and until it is below 80 % again', () => {
    expect(ask([50, 85, 86, 82, 81, 79, 82, 86])).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('is read twice a second at most, however many requests ask', () => {
    let readings = 0;
    const guard = new MemoryGuard(() => {
      readings++;
      return [];
    });
    for (let now = 0; now < 2000; now++) expect(guard.isShort(now)).toBe(false);
    expect(readings).toBe(4);
  });
});
