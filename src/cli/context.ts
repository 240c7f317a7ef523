import type { Diagnostic } from '../lib/diagnostic.ts';
import { renderDiagnostics } from '../lib/diagnostic-text.ts';
import type { CliIo } from './io.ts';

/** What every command is given besides its own options. */
export interface CliContext {
  readonly io: CliIo;
  readonly json: boolean;
  /** Shows stack traces of unexpected failures. */
  readonly debug: boolean;
  readonly color: ColorChoice;
}

export type ColorChoice = 'auto' | 'always' | 'never';

/** The switches of all commands. They are read before the rest, so that a mistake in the rest is told in the right form. */
export function createContext(argv: readonly string[], io: CliIo): CliContext {
  const end = argv.indexOf('--');
  const options = end === -1 ? argv : argv.slice(0, end);
  const at = options.lastIndexOf('--color');
  const color =
    at === -1 ? options.findLast((word) => word.startsWith('--color='))?.slice(8) : options[at + 1];
  return {
    io,
    json: options.includes('--json'),
    debug: options.includes('--debug'),
    color: color === 'always' || color === 'never' ? color : 'auto',
  };
}

export function usesColor({ io, color }: CliContext): boolean {
  return color === 'auto' ? io.stderr.hasColors : color === 'always';
}

/** Shows problems to a person, on standard error. Says nothing for an empty list. */
export function showDiagnostics(diagnostics: readonly Diagnostic[], context: CliContext): void {
  const { stderr, unicode } = context.io;
  const text = renderDiagnostics(diagnostics, { color: usesColor(context), unicode, width: stderr.columns });
  if (text !== '') stderr.write(text);
}

/** Writes the one object of `--json` on standard output; its `schema` names command and version. */
export function writeEnvelope(context: CliContext, command: string, body: object): void {
  context.io.stdout.write(`${JSON.stringify({ schema: `breakwater.${command}/1`, ...body })}\n`);
}
