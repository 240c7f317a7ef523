import type { LintEngine } from '../../../../src/render/lint/finding.ts';
import { apacheCases, apacheClean } from './apache-cases.ts';
import { caddyCases, caddyClean } from './caddy-cases.ts';
import type { FindingCase } from './finding-case.ts';
import { haproxyCases, haproxyClean } from './haproxy-cases.ts';
import { nginxCases, nginxClean } from './nginx-cases.ts';

export const engineCases: Readonly<
  Record<LintEngine, { readonly clean: string; readonly cases: readonly FindingCase[] }>
> = {
  nginx: { clean: nginxClean, cases: nginxCases },
  caddy: { clean: caddyClean, cases: caddyCases },
  haproxy: { clean: haproxyClean, cases: haproxyCases },
  apache: { clean: apacheClean, cases: apacheCases },
};
