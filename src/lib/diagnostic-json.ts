import type { Diagnostic, Place } from './diagnostic.ts';
import { errorCodes, type ErrorCode } from './error-codes.ts';

/** A problem as `--json` prints it: the same facts without the drawing, every key that is known and no other. */
export interface DiagnosticJson {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly length?: number;
  readonly label?: string;
  readonly fix: string;
  readonly secondary?: Omit<Place, 'sourceLine'> & { readonly label: string };
}

/** Leaves the source line out: whoever reads JSON has the file, and a log of it should hold as little of it as possible. */
export function toDiagnosticJson(diagnostic: Diagnostic): DiagnosticJson {
  const { sourceLine: _sourceLine, secondary, ...facts } = diagnostic;
  const json = { ...facts, fix: diagnostic.fix ?? errorCodes[diagnostic.code].fix };
  if (secondary === undefined) return json;
  const { sourceLine: _secondaryLine, ...place } = secondary;
  return { ...json, secondary: place };
}
