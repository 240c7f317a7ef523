import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { requirements } from '../requirements.ts';
import { isAllowed } from './allowed.ts';
import { detectEngine } from './detect-engine.ts';
import type { SyntaxProblem } from './directive.ts';
import { compareSeverity, type Finding, type LintEngine } from './finding.ts';
import { engineLints } from './findings.ts';
import { decodeFile, loadTree, type LintFiles } from './load-tree.ts';
import { findSettled } from './rendered-file.ts';
import { createSource, toPlace, type Source } from './source.ts';

export interface LintOptions {
  /** The name of the file, absolute where includes are to be found. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Told from the name and the contents when absent. */
  readonly engine?: LintEngine;
  /** The public path of the endpoint; found by its looks when absent. */
  readonly path?: string;
  /** The version of the engine, as `1.25.1`; findings that depend on it are milder when absent. */
  readonly version?: string;
  readonly files: LintFiles;
  /** How files are named in what is shown; as they are when absent. */
  readonly nameOf?: (file: string) => string;
}

export interface LintReport {
  readonly engine: LintEngine;
  /** The name that is shown. */
  readonly file: string;
  readonly source: Source;
  /** Worst first, then in the order of the file. */
  readonly findings: readonly Finding[];
}

/** Reads one configuration with what it includes and applies every rule. Fails with diagnostics when it cannot be read or understood. */
export async function lintConfiguration(
  options: LintOptions,
): Promise<Result<LintReport, readonly Diagnostic[]>> {
  const { file, bytes, files, path, version, nameOf = (name) => name } = options;
  const shown = nameOf(file);
  const decoded = decodeFile(bytes);
  if ('reason' in decoded) return fail([refusal(shown, decoded.reason)]);
  const source = createSource(file, decoded.text);
  const engine = options.engine ?? detectEngine(file, decoded.text);
  if (engine === undefined) return fail([refusal(shown, 'is of no kind that is known here')]);
  const { run, syntax } = engineLints[engine];
  const { tree, unread, problems } = await loadTree(source, { syntax, files });
  if (problems.length > 0) return fail(problems.map((problem) => toSyntaxDiagnostic(problem, nameOf)));
  const isSettled = findSettled(source);
  const found = run({ source, directives: tree.directives, unread, path, version }).filter(
    ({ rule }) => !isSettled(rule),
  );
  const findings = found.flatMap(({ rule, hits }) =>
    hits
      .filter(({ at }) => !isAllowed(rule.id, at))
      .map(({ at, severity = rule.severity, message, label, lines, edits = [] }): Finding => {
        const { id, requirement, title } = rule;
        const breaks = rule.breaks ?? requirements[requirement].breaks;
        const place = { ...toPlace(at), file: nameOf(at.source.file) };
        const facts = { id, requirement, title, breaks, engine, severity, message, place, lines, edits };
        return label === undefined ? facts : { ...facts, label };
      }),
  );
  return ok({ engine, file: shown, source, findings: withoutDoubles(findings).toSorted(compareFindings) });
}

function refusal(file: string, reason: string): Diagnostic {
  return {
    severity: 'error',
    code: 'E_CONFIG_FILE',
    file,
    message: `\`${file}\` ${reason}`,
    fix: 'name a configuration of nginx, Caddy, Apache or HAProxy, and its kind with `--as`',
  };
}

function toSyntaxDiagnostic(problem: SyntaxProblem, nameOf: (file: string) => string): Diagnostic {
  return {
    ...toPlace(problem),
    file: nameOf(problem.source.file),
    severity: 'error',
    code: 'E_CONFIG_SYNTAX',
    message: problem.message,
    fix: 'correct the syntax; the check of the proxy itself (`nginx -t`, `caddy validate`, `apachectl -t`, `haproxy -c`) says more',
  };
}

function compareFindings(one: Finding, other: Finding): number {
  return (
    compareSeverity(one.severity, other.severity) ||
    (one.place.file ?? '').localeCompare(other.place.file ?? '') ||
    (one.place.line ?? 0) - (other.place.line ?? 0) ||
    (one.place.column ?? 0) - (other.place.column ?? 0)
  );
}

/** Two locations that take a value from the same line are one finding; the edits of both are made. */
function withoutDoubles(findings: readonly Finding[]): Finding[] {
  const kept = new Map<string, Finding>();
  for (const finding of findings) {
    const { id, place, message } = finding;
    const key = [id, place.file, place.line, place.column, message].join('\n');
    const first = kept.get(key);
    kept.set(key, first === undefined ? finding : { ...first, edits: [...first.edits, ...finding.edits] });
  }
  return [...kept.values()];
}
