import type { CliContext } from './context.ts';

/** Asks for a yes: anything else is a no. Undefined where nobody can be asked, as without a terminal or with `--json`. */
export async function confirm(question: string, { io, json }: CliContext): Promise<boolean | undefined> {
  if (json || io.ask === undefined) return undefined;
  return /^y(?:es)?$/i.test((await io.ask(`${question} [y/N] `)).trim());
}
