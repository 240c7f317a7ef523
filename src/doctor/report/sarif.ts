import type { Report } from '../report.ts';

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/** The report as SARIF 2.1.0, for code scanning pages. */
export function formatSarif({ facts, results }: Report): string {
  const failed = results.filter(({ status }) => status === 'fail');
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'breakwater doctor',
            version: facts.doctor,
            rules: results.map(({ id, title, why, reference, severity }) => ({
              id,
              shortDescription: { text: title },
              fullDescription: { text: why },
              help: { text: reference },
              defaultConfiguration: { level: levels[severity] },
            })),
          },
        },
        results: failed.map(({ id, severity, seen = '', fix, baselined }) => ({
          ruleId: id,
          level: levels[severity],
          message: { text: fix === undefined ? seen : `${seen}. Fix: ${fix.advice}` },
          locations: [{ physicalLocation: { artifactLocation: { uri: facts.target.url } } }],
          // All results of a run have this, or none (SARIF 2.1.0, property `suppressions`).
          suppressions: baselined ? [{ kind: 'external' }] : [],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}
