import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../src/auth/rules/compile.ts';
import { decide, type Question } from '../../../src/auth/rules/decide.ts';
import { explainDecision, renderExplanation } from '../../../src/auth/rules/explain.ts';
import type { Rule } from '../../../src/auth/rules/rule.ts';
import { toCaller, toRule } from './callers.ts';
import { question, rules } from './rule-arbitrary.ts';

function render(list: readonly Rule[], asked: Partial<Question> = {}): string {
  const whole: Question = {
    principal: toCaller(),
    method: 'tools/call',
    kind: 'tool',
    name: 'search',
    ...asked,
  };
  return renderExplanation(explainDecision(compileRules(list), whole));
}

const initialize: Partial<Question> = { method: 'initialize', kind: 'none', name: undefined };

describe('explainDecision', () => {
  it('decides as decide does, and gives one reason for each rule on the way', () => {
    fc.assert(
      fc.property(rules, question, (list, asked) => {
        const set = compileRules(list);
        const { decision, steps } = explainDecision(set, asked);
        expect(decision).toEqual(decide(set, asked));
        expect(steps.map(({ rule }) => rule)).toEqual(steps.map((_step, index) => index));
        if (decision.rule === undefined) expect(steps.every(({ matched }) => !matched)).toBe(true);
        else {
          expect(steps.map(({ matched }) => matched)).toEqual(
            steps.map((_step, index) => index === decision.rule),
          );
          expect(steps).toHaveLength(decision.rule + 1);
        }
        // What is given as a match must not read like a miss, nor the other way round.
        for (const { matched, because } of steps) {
          expect(/ fit|allows this caller|denies this caller/.test(because), because).toBe(matched);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('names what does not fit', () => {
    expect(
      render([
        toRule('allow', { who: { groups: ['admins', 'ops'] } }),
        toRule('deny', { methods: ['tasks/*'] }),
        toRule('allow', { prompts: ['greet'] }),
        toRule('allow', { tools: ['find_*'] }),
        toRule('allow', { tools: ['search'], scopes: ['read'] }),
      ]),
    ).toBe(
      [
        '  rule 1 does not apply: the group is none of `admins`, `ops`',
        '  rule 2 does not apply: `tools/call` is none of the methods `tasks/*`',
        '  rule 3 does not apply: it is not about tools',
        '  rule 4 does not apply: `search` is none of the tools `find_*`',
        '  rule 5 decides: caller and operation fit, but a scope is missing',
        '  rule 5 would allow it with the scopes `read`',
        '',
      ].join('\n'),
    );
  });

  it.each<[string, readonly Rule[], Partial<Question>, string]>([
    ['allow', [toRule('allow')], {}, '  rule 1 decides: caller and operation fit\n  allowed by rule 1\n'],
    ['deny', [toRule('deny')], {}, '  rule 1 decides: caller and operation fit\n  denied by rule 1\n'],
    ['no rules', [], {}, '  denied, because no rule allows it\n'],
    [
      'a flaw',
      [toRule('allow')],
      { name: undefined },
      '  denied whatever the rules say, because it names no tool\n',
    ],
    [
      'an open method',
      [toRule('deny', { tools: ['x'] }), toRule('allow', { tools: ['y'] })],
      initialize,
      '  rule 1 does not apply: `initialize` is open to callers who may do anything, and this rule denies only a part\n' +
        '  rule 2 decides: it allows this caller something, and `initialize` is open to such callers\n  allowed by rule 2\n',
    ],
    [
      'an open method, shut out',
      [toRule('deny')],
      initialize,
      '  rule 1 decides: it denies this caller everything\n  denied by rule 1\n',
    ],
  ])('tells %s', (_case, list, asked, expected) => {
    expect(render(list, asked)).toBe(expected);
  });
});
