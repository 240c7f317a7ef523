import { firstArg } from '../directive.ts';
import type { LintRule } from '../finding.ts';
import { anchorOf, type LintInput } from '../input.ts';
import type { EngineLint } from '../engine-lint.ts';
import { headOf } from './corrections.ts';
import { nginxGuardRules } from './guard-rules.ts';
import { nginxHeaderRules } from './header-rules.ts';
import { nginxIncludes } from './includes.ts';
import { buildNginxModel, type NginxModel } from './model.ts';
import { nginxOperationRules } from './operation-rules.ts';
import { nginxPathRules } from './path-rules.ts';
import { nginxStreamRules } from './stream-rules.ts';
import { nginxTlsRules } from './tls-rules.ts';

const readingRules: readonly LintRule<NginxModel>[] = [
  {
    id: 'nginx-include-unread',
    severity: 'info',
    requirement: 'current-directives',
    title: 'an included file was not read',
    breaks: 'what it says is not checked; nginx does not start where it is missing on the server too',
    check: ({ unread }) =>
      unread.map(({ directive, reason }) => ({
        at: headOf(directive),
        message: `\`${firstArg(directive)}\` ${reason}`,
        lines: [`include ${firstArg(directive)};`],
      })),
  },
  {
    id: 'nginx-no-endpoint',
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
              message: 'no location passes requests to what looks like an MCP server',
              lines: ['breakwater lint --path /mcp FILE'],
            },
          ],
  },
];

/** All rules for nginx, in the order of the documentation. */
export const nginxRules: readonly LintRule<NginxModel>[] = [
  ...nginxPathRules,
  ...nginxStreamRules,
  ...nginxHeaderRules,
  ...nginxGuardRules,
  ...nginxTlsRules,
  ...nginxOperationRules,
  ...readingRules,
];

export const nginxLint: EngineLint = {
  rules: nginxRules,
  syntax: nginxIncludes,
  run: (input: LintInput) => {
    const model = buildNginxModel({ ...input, anchor: anchorOf(input) });
    return nginxRules.map((rule) => ({ rule, hits: rule.check(model) }));
  },
};
