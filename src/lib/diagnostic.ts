import type { ErrorCode } from './error-codes.ts';

/**
 * Where a problem is. `file` is a file name, or the name of another source such as `BREAKWATER_LISTEN (environment)`,
 * which has no lines. Lines and columns count from 1; `length` counts UTF-16 units on that line.
 */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly length?: number;
  /** The whole line, with secrets masked. */
  readonly sourceLine?: string;
}

/** One problem that a person can act on. Configuration, command line and doctor share it and its renderer. */
export interface Diagnostic extends Place {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  /** One factual sentence, lower case, names in backticks, no final stop. Never contains a secret. */
  readonly message: string;
  /** Stands under the marked text and makes sense alone. */
  readonly label?: string;
  /** One command or one edit; the table's fix of the code where absent. */
  readonly fix?: string;
  /** The other place of a conflict. */
  readonly secondary?: Place & { readonly label: string };
}
