import type { Diagnostic } from './diagnostic.ts';
import { errorCodes, type ErrorCode } from './error-codes.ts';

/** A failure with a code of the table. `message` may be shown to the operator; only the table's title reaches a client. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options?: { hint?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.hint = options?.hint ?? errorCodes[code].fix;
  }
}

/** Recognises by code, not by class identity, so that two copies of the package understand each other. */
export function isGatewayError(value: unknown): value is GatewayError {
  return value instanceof Error && 'code' in value && Object.hasOwn(errorCodes, value.code as string);
}

/** The error as a problem that stands among others. */
export function toProblem(
  { code, message, hint }: Pick<GatewayError, 'code' | 'message' | 'hint'>,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  return { severity, code, message, fix: hint };
}
