import { expect, it } from 'vitest';
import { combineDecisions } from '../../../src/auth/rules/combine.ts';
import type { Decision } from '../../../src/auth/rules/compile.ts';

const allow: Decision = { kind: 'allow', rule: 0 };
const deny: Decision = { kind: 'deny', rule: 1 };
const one: Decision = { kind: 'scopes', scopes: ['a', 'b'], rule: 2 };
const other: Decision = { kind: 'scopes', scopes: ['b', 'c'], rule: 3 };

it.each<[string, readonly Decision[], Decision]>([
  ['what is allowed alone', [allow], allow],
  ['allowed when all is', [allow, { ...allow, rule: 4 }], { ...allow, rule: 4 }],
  ['denied when one is, wherever it stands', [deny, allow, one], deny],
  ['denied when the last is', [allow, one, deny], deny],
  ['short of scopes when one is', [allow, one, allow], one],
  ['short of the scopes of all', [one, allow, other], { kind: 'scopes', scopes: ['a', 'b', 'c'], rule: 2 }],
])('batch-hiding: %s', (_case, decisions, expected) => {
  let combined: Decision | undefined;
  for (const decision of decisions) combined = combineDecisions(combined, decision);
  expect(combined).toEqual(expected);
});
