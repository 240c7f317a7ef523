import type { Directive } from './directive.ts';
import type { Source, Span } from './source.ts';

/** More proxied places, or endpoints among them, than these are not looked at: the work must stay small for any file. */
export const maxPlaces = 1000;
export const maxEndpoints = 100;

/** What the rules of an engine are given: the whole tree, and what is known besides. */
export interface LintInput {
  readonly source: Source;
  readonly directives: readonly Directive[];
  /** Includes that could not be read. */
  readonly unread: readonly UnreadInclude[];
  /** The public path of the endpoint, where it was named. */
  readonly path: string | undefined;
  /** The version of the engine, where it was named. */
  readonly version: string | undefined;
}

export interface UnreadInclude {
  readonly directive: Directive;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** Where to point when something is missing from the file as a whole: its first directive. */
export function anchorOf({ source, directives }: LintInput): Span {
  const [first] = directives;
  return first?.head ?? { source, start: 0, end: 0 };
}
