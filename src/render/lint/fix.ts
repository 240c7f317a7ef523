import { applyEdits } from './edits.ts';
import type { Finding } from './finding.ts';
import { lintConfiguration, type LintOptions, type LintReport } from './lint.ts';

export interface FixedText {
  readonly text: string;
  /** Findings that are gone. */
  readonly fixed: readonly Finding[];
  /** What is left, with places in the corrected text. */
  readonly report: LintReport;
}

/** Corrections can uncover others, such as a header that an outer level has to send as well; they come to rest in a few rounds. */
const maxRounds = 6;

/**
 * Corrects what has one right answer in the file itself, never in what it includes. A round whose text would not be read any more is
 * not made.
 */
export async function fixConfiguration(options: LintOptions, report: LintReport): Promise<FixedText> {
  let current = report;
  for (let round = 0; round < maxRounds; round += 1) {
    const { source, findings, engine } = current;
    const text = applyEdits(
      source,
      findings.flatMap(({ edits }) => edits),
    );
    if (text === source.text) break;
    const again = await lintConfiguration({ ...options, engine, bytes: new TextEncoder().encode(text) });
    if (!again.ok) break;
    current = again.value;
  }
  const left = new Set(current.findings.map(({ id }) => id));
  return {
    text: current.source.text,
    fixed: report.findings.filter(({ id }) => !left.has(id)),
    report: current,
  };
}
