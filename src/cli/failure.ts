import { CommanderError } from 'commander';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import { toErrorMessage } from '../lib/error-message.ts';
import { isGatewayError } from '../lib/gateway-error.ts';
import { showDiagnostics, type CliContext } from './context.ts';

/** Why a command ended without doing what was asked. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** Exit code of the process. */
  readonly exit: number;
  /** Shown with `--debug` alone. */
  readonly trace?: string;
}

/** Whatever was thrown, as a failure. Only errors with a code of the table are foreseen. */
export function toFailure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return toUsageFailure(error.code === 'commander.help' ? 'no command is given' : error.message);
  }
  const trace = error instanceof Error ? { trace: describeTrace(error) } : {};
  if (isGatewayError(error)) {
    const { code, message, hint } = error;
    return { code, message, hint, exit: exitOf(code), ...trace };
  }
  const reason = toErrorMessage(error);
  return {
    code: 'E_INTERNAL',
    message: `unexpected failure: ${reason}`,
    hint: errorCodes.E_INTERNAL.fix,
    exit: 1,
    ...trace,
  };
}

/** Tells a failure: one frame for people, one line of JSON for programs, both on standard error. Returns the exit code. */
export function reportFailure(failure: Failure, context: CliContext): number {
  const { code, message, hint, exit, trace } = failure;
  const { stderr } = context.io;
  if (context.json) {
    const debug = context.debug && trace !== undefined ? { trace } : {};
    const error = { code, message, exit, hint, docs: `breakwater explain ${code}`, ...debug };
    stderr.write(`${JSON.stringify({ error })}\n`);
    return exit;
  }
  showDiagnostics([{ severity: 'error', code, message, fix: hint }], context);
  if (context.debug && trace !== undefined) stderr.write(`\n${trace}\n`);
  return exit;
}

/**
 * Tells problems of the configuration, worst first. With `--json` the first of them is the one line on standard error;
 * a command that lists all of them does so in its envelope. Returns the exit code.
 */
export function reportProblems(problems: readonly Diagnostic[], context: CliContext): number {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const code = first?.code ?? 'E_INTERNAL';
  if (!context.json) {
    showDiagnostics(problems, context);
    return exitOf(code);
  }
  const { file, line, column } = first ?? {};
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}:${column ?? 1}`}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const message = `${place}${first?.message ?? errorCodes[code].title}${more}`;
  return reportFailure(
    { code, message, hint: first?.fix ?? errorCodes[code].fix, exit: exitOf(code) },
    context,
  );
}

/** The exit code of an error of the table; those that only clients see count as unexpected here. */
export function exitOf(code: ErrorCode): number {
  return errorCodes[code].exit ?? 1;
}

/** Commander's sentences in the form of ours: no prefix, names in backticks, advice apart. */
function toUsageFailure(text: string): Failure {
  const [sentence = '', advice] = text
    .replace(/^error: /, '')
    .replaceAll(/'([^']*)'/g, '`$1`')
    .split(/\. |\n/);
  const meant = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(advice ?? '')?.[1];
  const hint =
    meant === undefined
      ? (advice?.replace(/\.$/, '').replace(/^[A-Z]/, (first) => first.toLowerCase()) ??
        errorCodes.E_USAGE.fix)
      : `did you mean ${meant.replaceAll(/[^\s,]+/g, '`$&`')}?`;
  return { code: 'E_USAGE', message: sentence, hint, exit: 2 };
}

function describeTrace(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${describeTrace(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
