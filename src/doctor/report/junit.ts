import { layers } from '../check.ts';
import type { CheckResult, Report } from '../report.ts';

/** The report as JUnit XML: a suite for each layer, a case for each check. Findings in the baseline count as skipped. */
export function formatJunit({ facts, results }: Report): string {
  const failures = results.filter(isFailure).length;
  const suites = layers.map((layer) =>
    formatSuite(
      layer,
      results.filter((each) => each.layer === layer),
    ),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="breakwater doctor ${escape(facts.target.url)}" tests="${results.length}" failures="${failures}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function formatSuite(layer: string, results: readonly CheckResult[]): string {
  const failures = results.filter(isFailure).length;
  const skipped = results.filter((each) => !isFailure(each) && each.status !== 'pass').length;
  return [
    `  <testsuite name="${layer}" tests="${results.length}" failures="${failures}" skipped="${skipped}">`,
    ...results.map(formatCase),
    '  </testsuite>',
  ].join('\n');
}

function formatCase(result: CheckResult): string {
  const { id, layer, status, seen = '', why, fix, evidence, severity } = result;
  const head = `    <testcase classname="doctor.${layer}" name="${escape(id)}"`;
  if (status === 'pass') return `${head}/>`;
  if (!isFailure(result)) return `${head}><skipped message="${escape(seen)}"/></testcase>`;
  const text = [why, ...(fix === undefined ? [] : [`fix: ${fix.advice}`, ...fix.lines]), ...evidence].join(
    '\n',
  );
  return `${head}><failure type="${severity}" message="${escape(seen)}">${escape(text)}</failure></testcase>`;
}

/** A remark is no failure to whoever counts failures. */
function isFailure({ status, severity, baselined }: CheckResult): boolean {
  return status === 'fail' && severity !== 'info' && !baselined;
}

/** xml-injection: what an endpoint writes stays text, and characters that XML cannot hold are replaced. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
