import type { Source, Span } from './source.ts';

/** One word of a directive: its value without quotes and escapes, and where it is written. */
export interface Word extends Span {
  readonly text: string;
}

/** One directive of any of the engines, with what its block holds. Included files stand in place of what includes them. */
export interface Directive extends Span {
  /** In lower case where the engine does not care for case. */
  readonly name: string;
  /** The word of the name alone. */
  readonly head: Word;
  readonly args: readonly Word[];
  readonly block?: readonly Directive[];
  /** Offset behind the opening brace or tag, and of the closing one. */
  readonly open?: number;
  readonly close?: number;
}

/** What could not be read; reading goes on behind it. */
export interface SyntaxProblem extends Span {
  /** One factual sentence, lower case, no final stop. */
  readonly message: string;
}

export interface SyntaxTree {
  readonly source: Source;
  readonly directives: readonly Directive[];
  readonly problems: readonly SyntaxProblem[];
}

/** Blocks deeper than this are not read: no real configuration has them, and recursion must end. */
export const maxDepth = 64;

/** Longer words are cut for the rules, whose patterns would take too long on them; their places stay whole. */
export const maxWordLength = 4096;

/** The values of the words. */
export function argTexts(directive: Directive): string[] {
  return directive.args.map(({ text }) => text);
}

/** The first argument, or an empty text. */
export function firstArg(directive: Directive | undefined): string {
  return directive?.args[0]?.text ?? '';
}

/** All directives below, in the order of the file, each before those of its block. */
export function* walk(directives: readonly Directive[]): Generator<Directive, void> {
  for (const directive of directives) {
    yield directive;
    if (directive.block !== undefined) yield* walk(directive.block);
  }
}

/** What a directive says before its block. */
export function headOf({ source, start, head, args }: Directive): Span {
  return { source, start, end: args.at(-1)?.end ?? head.end };
}
