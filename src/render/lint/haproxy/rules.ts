import type { EngineLint } from '../engine-lint.ts';
import type { LintRule } from '../finding.ts';
import { haproxyPathRules } from './path-rules.ts';
import { haproxyStreamRules } from './stream-rules.ts';
import { haproxyHeaderRules } from './header-rules.ts';
import { haproxyGuardRules } from './guard-rules.ts';
import { buildHaproxyModel, type HaproxyModel } from './model.ts';
import { parseHaproxy } from './parse.ts';

/** All rules for HAProxy, in the order of the documentation. */
const haproxyRules: readonly LintRule<HaproxyModel>[] = [
  ...haproxyPathRules,
  ...haproxyStreamRules,
  ...haproxyHeaderRules,
  ...haproxyGuardRules,
];

export const haproxyLint: EngineLint = {
  rules: haproxyRules,
  // HAProxy includes nothing.
  syntax: { parse: parseHaproxy, patternsOf: () => undefined, foldersOf: () => [] },
  run: (input) => {
    const model = buildHaproxyModel(input);
    return haproxyRules.map((rule) => ({ rule, hits: rule.check(model) }));
  },
};
