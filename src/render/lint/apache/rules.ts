import { dirname } from 'node:path';
import { firstArg } from '../directive.ts';
import type { EngineLint } from '../engine-lint.ts';
import type { LintRule } from '../finding.ts';
import { apachePathRules } from './path-rules.ts';
import { apacheStreamRules } from './stream-rules.ts';
import { apacheHeaderRules } from './header-rules.ts';
import { apacheGuardRules } from './guard-rules.ts';
import { buildApacheModel, type ApacheModel } from './model.ts';
import { parseApache } from './parse.ts';

/** All rules for Apache, in the order of the documentation. */
const apacheRules: readonly LintRule<ApacheModel>[] = [
  ...apachePathRules,
  ...apacheStreamRules,
  ...apacheHeaderRules,
  ...apacheGuardRules,
];

export const apacheLint: EngineLint = {
  rules: apacheRules,
  syntax: {
    parse: parseApache,
    patternsOf: ({ name, args }) =>
      /^include(?:optional)?$/.test(name) ? args.slice(0, 1).map(({ text }) => text) : undefined,
    // Relative names start from `ServerRoot`, which is the folder of the main file where it is not set.
    foldersOf: (_source, main) => {
      const root = firstArg(main.directives.find(({ name }) => name === 'serverroot'));
      const folder = dirname(main.source.file);
      return [...(root === '' ? [] : [root]), folder, dirname(folder)];
    },
  },
  run: (input) => {
    const model = buildApacheModel(input);
    return apacheRules.map((rule) => ({ rule, hits: rule.check(model) }));
  },
};
