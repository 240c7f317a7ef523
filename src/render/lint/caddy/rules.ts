import { dirname } from 'node:path';
import { firstArg } from '../directive.ts';
import type { EngineLint } from '../engine-lint.ts';
import type { LintRule } from '../finding.ts';
import { headOf } from './corrections.ts';
import { caddyPathRules } from './path-rules.ts';
import { caddyStreamRules } from './stream-rules.ts';
import { caddyGuardRules } from './guard-rules.ts';
import { buildCaddyModel, type CaddyModel } from './model.ts';
import { parseCaddyfile } from './parse.ts';

const readingRules: readonly LintRule<CaddyModel>[] = [
  {
    id: 'caddy-include-unread',
    severity: 'info',
    requirement: 'current-directives',
    title: 'an imported file was not read',
    breaks: 'what it says is not checked; Caddy does not start where it is missing on the server too',
    check: ({ unread }) =>
      unread.map(({ directive, reason }) => ({
        at: headOf(directive),
        message: `\`${firstArg(directive)}\` ${reason}`,
        lines: [`import ${firstArg(directive)}`],
      })),
  },
  {
    id: 'caddy-no-endpoint',
    severity: 'info',
    requirement: 'exact-path',
    title: 'no MCP endpoint was found',
    breaks: 'nothing else was checked',
    check: ({ endpoints, anchor }) =>
      endpoints.length > 0
        ? []
        : [
            {
              at: anchor,
              message: 'no `reverse_proxy` passes requests to what looks like an MCP server',
              lines: ['breakwater lint --path /mcp FILE'],
            },
          ],
  },
];

/** All rules for Caddy, in the order of the documentation. */
export const caddyRules: readonly LintRule<CaddyModel>[] = [
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
