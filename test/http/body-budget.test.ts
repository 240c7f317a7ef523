import { describe, expect, it } from 'vitest';
import { BodyBudget, type ArrivingBody } from '../../src/http/body-budget.ts';

/** A body that stays unfinished, named by its address and size. */
function arrive(budget: BodyBudget, address: string, bytes: number, refused: string[] = []): void {
  budget.take(bytes);
  const body: ArrivingBody = {
    peer: { address, port: 1, secure: true },
    taken: bytes,
    refuse() {
      budget.give(bytes);
      budget.deleteArriving(body);
      refused.push(`${address} ${bytes}`);
    },
  };
  budget.addArriving(body);
}

describe('BodyBudget', () => {
  it('counts what is held, and says no beyond its size', () => {
    const budget = new BodyBudget(10);
    expect(budget.take(10)).toBe(true);
    expect(budget.take(1)).toBe(false);
    budget.give(1);
    expect(budget.taken).toBe(10);
    budget.give(10);
    expect(budget.taken).toBe(0);
    expect(budget.take(10)).toBe(true);
  });

  it('counts what is held against another limit, too', () => {
    const budget = new BodyBudget(10);
    budget.take(8);
    budget.limit = 5;
    expect(budget.take(1)).toBe(false);
    budget.limit = 9;
    expect(budget.take(0)).toBe(true);
  });

  it('makes room with the largest of whoever holds most, until a little is free', () => {
    const budget = new BodyBudget(320);
    const refused: string[] = [];
    for (const bytes of [10, 70, 40]) arrive(budget, '192.0.2.1', bytes, refused);
    for (const bytes of [90, 1]) arrive(budget, '192.0.2.2', bytes, refused);
    for (const bytes of [30, 30]) arrive(budget, '192.0.2.3', bytes, refused);
    expect(budget.take(150)).toBe(false);
    expect(budget.makeRoom()).toBe(true);
    expect(refused).toEqual(['192.0.2.1 70', '192.0.2.2 90']);
    expect(budget.taken).toBe(261);
  });

  it('attack: an address of one /64 for each upload is one sender', () => {
    const budget = new BodyBudget(100);
    const refused: string[] = [];
    for (let at = 1; at <= 10; at++) arrive(budget, `2001:db8:1:2::${at}`, 6, refused);
    arrive(budget, '192.0.2.1', 30, refused);
    expect(budget.take(20)).toBe(false);
    expect(budget.makeRoom()).toBe(true);
    expect(refused).toHaveLength(3);
    expect(refused).not.toContain('192.0.2.1 30');
  });

  it('says no where nothing is left that could give way', () => {
    const budget = new BodyBudget(100);
    const refused: string[] = [];
    budget.take(95);
    arrive(budget, '192.0.2.1', 0, refused);
    arrive(budget, '192.0.2.1', 4, refused);
    expect(budget.take(10)).toBe(false);
    expect(budget.makeRoom()).toBe(false);
    expect(refused).toEqual(['192.0.2.1 4']);
  });
});
