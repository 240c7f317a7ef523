import type { Report } from '../report.ts';

/** The report as `--json` prints it: what was found without the facts, which `--facts FILE` writes. */
export function toJson({ facts, front, grade, caps, results }: Report): object {
  const { target, at, asked, spent } = facts;
  return {
    url: target.url,
    at,
    asked,
    front,
    grade,
    caps,
    findings: results.filter(({ status }) => status === 'fail'),
    checks: results.map(({ id, layer, status, severity, seen }) => ({
      id,
      layer,
      status,
      severity,
      ...(seen === undefined ? {} : { seen }),
    })),
    spent,
  };
}
