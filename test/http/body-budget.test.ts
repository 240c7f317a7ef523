import { describe, expect, it } from 'vitest';
import { BodyBudget } from '../../src/http/body-budget.ts';

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
});
