import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SwapSet, type Placed } from '../../src/lib/swap-set.ts';

class Member implements Placed {
  place = -1;
}

describe('SwapSet', () => {
  it('holds what a Set would hold, whatever comes and goes', () => {
    const members = Array.from({ length: 8 }, () => new Member());
    fc.assert(
      fc.property(fc.array(fc.nat(7)), (steps) => {
        const mine = new SwapSet<Member>();
        const reference = new Set<Member>();
        for (const step of steps) {
          const member = members[step] ?? new Member();
          if (reference.delete(member)) mine.delete(member);
          else {
            reference.add(member);
            mine.add(member);
            mine.add(member);
          }
          expect(members.filter((each) => mine.has(each))).toEqual(
            members.filter((each) => reference.has(each)),
          );
          expect(new Set(mine.snapshot())).toEqual(reference);
          expect(mine.size).toBe(reference.size);
        }
        for (const member of members) mine.delete(member);
        expect(mine.size).toBe(0);
      }),
    );
  });

  it('lets members go while a snapshot is walked, and is deaf to those it does not hold', () => {
    const set = new SwapSet<Member>();
    for (let count = 0; count < 5; count++) set.add(new Member());
    set.delete(new Member());
    for (const member of set.snapshot()) set.delete(member);
    expect(set.size).toBe(0);
  });
});
