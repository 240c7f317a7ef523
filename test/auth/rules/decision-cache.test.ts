import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../src/auth/rules/compile.ts';
import { decide } from '../../../src/auth/rules/decide.ts';
import { createDecider, MAX_KEPT_DECISIONS } from '../../../src/auth/rules/decision-cache.ts';
import { toCaller, toRule } from './callers.ts';
import { question, rules } from './rule-arbitrary.ts';

describe('createDecider', () => {
  it('decides as decide does, whatever was asked before', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(rules, fc.array(question, { maxLength: 30 }), (list, questions) => {
        const set = compileRules(list);
        const ask = createDecider(set);
        for (const asked of [...questions, ...questions]) {
          const decision = ask(asked);
          kinds.add(decision.kind);
          expect(decision).toEqual(decide(set, asked));
        }
      }),
      { numRuns: 2000 },
    );
    expect([...kinds].sort()).toEqual(['allow', 'deny', 'scopes']);
  });

  it('token-confusion: two tokens of one subject do not share decisions', () => {
    const ask = createDecider(compileRules([toRule('allow', { tools: ['a'], scopes: ['s'] })]));
    const toKind = (principal = toCaller()): string =>
      ask({ principal, method: 'tools/call', kind: 'tool', name: 'a' }).kind;
    const strong = toCaller({ scopes: ['s'] });
    const weak = toCaller();
    expect(strong.id).toBe(weak.id);
    expect([toKind(strong), toKind(weak), toKind(strong)]).toEqual(['allow', 'scopes', 'allow']);
  });

  it('memory-exhaustion: names that are made up push the others out, and long ones are not kept', () => {
    const ask = createDecider(compileRules([toRule('allow', { tools: ['a*'], scopes: ['s'] })]));
    let decided = 0;
    const caller = toCaller();
    const principal = {
      ...caller,
      // Only a decision that is made anew looks at the scopes.
      get scopes() {
        decided++;
        return caller.scopes;
      },
    };
    const count = (name: string): number => {
      const before = decided;
      ask({ principal, method: 'tools/call', kind: 'tool', name });
      return decided - before;
    };
    expect([count('a'), count('a')]).toEqual([1, 0]);
    for (let round = 1; round < MAX_KEPT_DECISIONS; round++) expect(count(`a${round}`)).toBe(1);
    expect(count('a')).toBe(0);
    expect(count('a-one-more')).toBe(1);
    expect(count('a')).toBe(1);
    const long = `a${'x'.repeat(1000)}`;
    expect([count(long), count(long)]).toEqual([1, 1]);
  });

  it('keeps the answer itself, so that a decision costs no memory', () => {
    const ask = createDecider(compileRules([toRule('allow', { tools: ['a'] })]));
    const asked = { principal: toCaller(), method: 'tools/call', kind: 'tool', name: 'a' } as const;
    expect(ask(asked)).toBe(ask({ ...asked }));
  });
});
