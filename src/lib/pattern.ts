/** Whether a text fits one of the patterns it was made from. */
export type Matcher = (text: string) => boolean;

const WILDCARD = '*';

/** A pattern with at least one `*`: what stands before the first, between them, and behind the last. */
interface Wildcard {
  readonly head: string;
  readonly middle: readonly string[];
  readonly tail: string;
}

/**
 * Compiles patterns in which `*` stands for any characters, none included, and everything else for itself. The whole text
 * must fit. Compares code points: letter case and Unicode forms count. `undefined` when there are no patterns.
 */
export function compilePatterns(patterns: readonly string[]): Matcher | undefined {
  if (patterns.length === 0) return undefined;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes(WILDCARD)));
  const wildcards = patterns.filter((pattern) => pattern.includes(WILDCARD)).map(toWildcard);
  if (wildcards.length === 0) return (text) => exact.has(text);
  return (text) => exact.has(text) || wildcards.some((wildcard) => fits(wildcard, text));
}

function toWildcard(pattern: string): Wildcard {
  const pieces = pattern.split(WILDCARD);
  return {
    head: pieces[0] ?? '',
    middle: pieces.slice(1, -1).filter((piece) => piece !== ''),
    tail: pieces.at(-1) ?? '',
  };
}

/** redos: each piece takes the first place it fits and never another, which is as good as any and needs no way back. */
function fits({ head, middle, tail }: Wildcard, text: string): boolean {
  const end = text.length - tail.length;
  if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const piece of middle) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= end;
}
