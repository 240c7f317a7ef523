import {
  maxDepth,
  maxWordLength,
  type Directive,
  type SyntaxProblem,
  type SyntaxTree,
  type Word,
} from '../directive.ts';
import type { Source } from '../source.ts';

/** Sections that only say whether their contents count; they are taken to. */
const conditions = new Set(['ifmodule', 'ifdefine', 'ifversion', 'iffile', 'ifdirective', 'ifsection']);

interface Frame {
  readonly opening: Directive;
  readonly block: Directive[];
}

/**
 * Reads Apache's syntax: one directive a line, continued lines, quotes, comments and sections. Names are in lower case. Contents of
 * `<IfModule>` and its like stand where the section stands. Never throws; what is broken becomes a problem with its place.
 */
export function parseApache(source: Source): SyntaxTree {
  const problems: SyntaxProblem[] = [];
  const root: Directive[] = [];
  const stack: Frame[] = [];
  const blockOf = (): Directive[] => stack.at(-1)?.block ?? root;
  const close = (frame: Frame, end: number, closing: number): void => {
    const { opening, block } = frame;
    if (conditions.has(opening.name)) blockOf().push(...block);
    else blockOf().push({ ...opening, block, open: opening.end, close: closing, end });
  };
  for (const words of readLines(source, problems)) {
    const [head, ...args] = words;
    if (head === undefined) continue;
    const last = words.at(-1) ?? head;
    const closing = /^<\/(\w+)>?$/.exec(head.text);
    if (closing !== null) {
      const frame = stack.pop();
      const name = (closing[1] ?? '').toLowerCase();
      if (frame === undefined) {
        problems.push({ ...head, message: `\`${head.text}\` closes nothing` });
      } else {
        if (frame.opening.name !== name) {
          problems.push({
            ...head,
            message: `\`${head.text}\` stands where \`</${frame.opening.head.text.slice(1)}>\` is due`,
          });
        }
        close(frame, last.end, head.start);
      }
    } else if (head.text.startsWith('<') && !/^<[<=]/.test(head.text)) {
      const opening = toSection({ source, head, args, last });
      if (stack.length >= maxDepth) problems.push({ ...head, message: 'sections are nested too deep' });
      else stack.push({ opening, block: [] });
    } else {
      blockOf().push({ source, name: head.text.toLowerCase(), head, args, start: head.start, end: last.end });
    }
  }
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    problems.push({ ...frame.opening.head, message: `\`${frame.opening.head.text}\` is not closed` });
    close(frame, source.text.length, source.text.length);
  }
  return { source, directives: root, problems };
}

function toSection(options: {
  readonly source: Source;
  readonly head: Word;
  readonly args: readonly Word[];
  readonly last: Word;
}): Directive {
  const { source, head, args, last } = options;
  // The `>` at the end belongs to the tag, not to the last word.
  const trimmed = args.flatMap((word, at) => {
    if (at < args.length - 1 || !word.text.endsWith('>')) return [word];
    const text = word.text.slice(0, -1);
    return text === ''
      ? []
      : [{ ...word, text, end: word.end - (source.text[word.end - 1] === '>' ? 1 : 0) }];
  });
  const name = head.text.slice(1).replace(/>$/, '').toLowerCase();
  return { source, name, head, args: trimmed, start: head.start, end: last.end };
}

/** The words of each line, continued ones joined. */
function* readLines(source: Source, problems: SyntaxProblem[]): Generator<Word[], void> {
  const { text } = source;
  let at = 0;
  while (at < text.length) {
    const words: Word[] = [];
    for (;;) {
      const sign = text[at];
      if (sign === undefined) break;
      if (sign === '\n') {
        at += 1;
        break;
      }
      if (sign === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))) {
        at = text.indexOf('\n', at) + 1;
      } else if (/\s/.test(sign)) {
        at += 1;
      } else if (sign === '#' && words.length === 0) {
        at = endOfLine(text, at);
      } else {
        const word = readWord(source, { at, problems });
        words.push(word);
        at = word.end;
      }
    }
    yield words;
  }
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

function readWord(
  source: Source,
  { at, problems }: { readonly at: number; readonly problems: SyntaxProblem[] },
): Word {
  const { text } = source;
  const quote = text[at] === '"' || text[at] === "'" ? text[at] : undefined;
  const parts: string[] = [];
  let to = quote === undefined ? at : at + 1;
  for (;;) {
    const sign = text[to];
    if (sign === undefined || sign === '\n') {
      if (quote !== undefined)
        problems.push({ source, start: at, end: at + 1, message: 'a quote is not closed' });
      break;
    }
    if (sign === quote) {
      to += 1;
      // `"/mcp">` of a section.
      if (text[to] === '>') {
        parts.push('>');
        to += 1;
      }
      break;
    }
    if (
      quote === undefined &&
      (/\s/.test(sign) || (sign === '\\' && /^\\\r?\n/.test(text.slice(to, to + 3))))
    )
      break;
    if (sign === '\\' && quote !== undefined && text[to + 1] === quote) to += 1;
    parts.push(text[to] ?? '');
    to += 1;
  }
  return { source, text: parts.join('').slice(0, maxWordLength), start: at, end: Math.max(to, at + 1) };
}
