import { wrapWords } from '../lib/wrap-words.ts';
import { requirements, type RequirementId } from './requirements.ts';

/** A directive, with what it is for and what stands inside it. */
export interface TaggedLine {
  readonly text: string;
  /** What the line is for: its comment says what breaks without it. */
  readonly why?: RequirementId;
  /** A comment of its own, where the failure is one of the engine and not of any front. */
  readonly note?: string;
  readonly block?: readonly TaggedLine[];
}

type Reason = Pick<TaggedLine, 'why' | 'note'>;

export function line(text: string, reason: Reason = {}): TaggedLine {
  return { text, ...reason };
}

export function block(text: string, lines: readonly TaggedLine[], reason: Reason = {}): TaggedLine {
  return { text, block: lines, ...reason };
}

/** How an engine writes its lines. */
export interface LineSyntax {
  readonly indent: string;
  /** After a line without a block. */
  readonly end: string;
  /** Before the lines of a block, and after them. */
  readonly open: (text: string) => string;
  readonly close: (text: string) => string | undefined;
  /** Columns at which comments are broken. */
  readonly width: number;
}

/** Writes lines. What breaks is said once, where it is first avoided. */
export function printTaggedLines(lines: readonly TaggedLine[], syntax: LineSyntax): string {
  const told = new Set<string>();
  const print = (some: readonly TaggedLine[], depth: number): string[] => {
    const indent = syntax.indent.repeat(depth);
    return some.flatMap(({ text, why, note, block: inner }) => {
      const comments = [note, why === undefined ? undefined : requirements[why].breaks].flatMap((comment) => {
        if (comment === undefined || told.has(comment)) return [];
        told.add(comment);
        return wrapWords(comment, syntax.width - indent.length - 2).map((row) => `${indent}# ${row}`);
      });
      if (inner === undefined) return [...comments, `${indent}${text}${syntax.end}`];
      const last = syntax.close(text);
      return [
        ...comments,
        `${indent}${syntax.open(text)}`,
        ...print(inner, depth + 1),
        ...(last === undefined ? [] : [`${indent}${last}`]),
        ...(depth === 0 ? [''] : []),
      ];
    });
  };
  return `${print(lines, 0).join('\n').trimEnd()}\n`;
}
