import { dirname } from 'node:path';
import { firstArg } from '../directive.ts';
import type { EngineLint } from '../engine-lint.ts';
import { buildReadingRules } from '../reading-rules.ts';
import type { LintRule } from '../finding.ts';
import { caddyPathRules } from './path-rules.ts';
import { caddyStreamRules } from './stream-rules.ts';
import { caddyGuardRules } from './guard-rules.ts';
import { buildCaddyModel, type CaddyModel } from './model.ts';
import { parseCaddyfile } from './parse.ts';

const readingRules = buildReadingRules<CaddyModel>({
  engine: 'caddy',
  name: 'Caddy',
  included: 'imported',
  toInclude: (file) => `import ${file}`,
  missing: 'no `reverse_proxy` passes requests to what looks like an MCP server',
});

/** All rules for Caddy, in the order of the documentation. */
const caddyRules: readonly LintRule<CaddyModel>[] = [
  ...caddyPathRules,
  ...caddyStreamRules,
  ...caddyGuardRules,
  ...readingRules,
];

export const caddyLint: EngineLint = {
  rules: caddyRules,
  syntax: {
    parse: parseCaddyfile,
    patternsOf: (directive, tree) => {
      const name = firstArg(directive);
      if (directive.name !== 'import' || name === '') return undefined;
      return tree.directives.some((other) => other.name === `(${name})`) || !/[./*]/.test(name)
        ? undefined
        : [name];
    },
    // Relative names start from the file that imports.
    foldersOf: (source) => [dirname(source.file)],
  },
  run: (input) => {
    const model = buildCaddyModel(input);
    return caddyRules.map((rule) => ({ rule, hits: rule.check(model) }));
  },
};
