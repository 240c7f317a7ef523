import type { LintRule } from '../finding.ts';
import { anchorOf, type LintInput } from '../input.ts';
import type { EngineLint } from '../engine-lint.ts';
import { buildReadingRules } from '../reading-rules.ts';
import { nginxGuardRules } from './guard-rules.ts';
import { nginxHeaderRules } from './header-rules.ts';
import { nginxIncludes } from './includes.ts';
import { buildNginxModel, type NginxModel } from './model.ts';
import { nginxOperationRules } from './operation-rules.ts';
import { nginxPathRules } from './path-rules.ts';
import { nginxStreamRules } from './stream-rules.ts';
import { nginxTlsRules } from './tls-rules.ts';

const readingRules = buildReadingRules<NginxModel>({
  engine: 'nginx',
  name: 'nginx',
  included: 'included',
  toInclude: (file) => `include ${file};`,
  missing: 'no location passes requests to what looks like an MCP server',
});

/** All rules for nginx, in the order of the documentation. */
const nginxRules: readonly LintRule<NginxModel>[] = [
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
