import * as fc from 'fast-check';
import type { Question } from '../../../src/auth/rules/decide.ts';
import type { Rule } from '../../../src/auth/rules/rule.ts';
import { toCaller, toRule } from './callers.ts';

const some = (...values: string[]): fc.Arbitrary<string[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom(...values), { maxLength: 2 }) },
  );

/** Rules and questions out of few words, so that they often meet. */
export const rules: fc.Arbitrary<Rule[]> = fc.array(
  fc
    .record({
      effect: fc.constantFrom<Rule['effect']>('allow', 'allow', 'deny'),
      methods: some('tools/call', 'resources/*', 'initialize', 'x/*', '*'),
      tools: some('a', 'b*', '*'),
      prompts: some('a', '*'),
      resources: some('m:/a', 'm:*', '*'),
      scopes: some('s', 't'),
      subjects: some('alice', 'b*'),
      groups: some('g'),
    })
    .map(({ effect, subjects, groups, ...lists }) => toRule(effect, { ...lists, who: { subjects, groups } })),
  { maxLength: 6 },
);

const callers = [
  undefined,
  toCaller(),
  toCaller({ scopes: ['s'] }),
  toCaller({ subject: 'bob', groups: ['g'], scopes: ['s', 't'] }),
  toCaller({ subject: 'carol', method: 'key' }),
];

export const question: fc.Arbitrary<Question> = fc
  .tuple(
    fc.constantFrom(...callers),
    fc.constantFrom<Pick<Question, 'method' | 'kind'>>(
      { method: 'tools/call', kind: 'tool' },
      { method: 'prompts/get', kind: 'prompt' },
      { method: 'resources/read', kind: 'resource' },
      { method: 'completion/complete', kind: 'resource' },
      { method: 'initialize', kind: 'none' },
      { method: 'x/y', kind: 'none' },
    ),
    fc.constantFrom('a', 'b', 'bc', 'm:/a', 'M:/%61', 'm:/../a', undefined),
  )
  .map(([principal, operation, name]) => ({
    principal,
    ...operation,
    name: operation.kind === 'none' ? undefined : name,
  }));
