import {
  maxDepth,
  maxWordLength,
  type Directive,
  type SyntaxProblem,
  type SyntaxTree,
  type Word,
} from '../directive.ts';
import type { Source } from '../source.ts';

/** The name of the block of global options, which has none. */
export const globalOptions = '';

/**
 * Reads a Caddyfile: words, quotes, back-quotes, heredocs, comments, continued lines and blocks. A file of one site without braces is
 * read as that site. Never throws; what is broken becomes a problem with its place.
 */
export function parseCaddyfile(source: Source): SyntaxTree {
  const reader = new Reader(source);
  const directives = reader.readBlock(0);
  return { source, directives: withBraces(directives), problems: reader.problems };
}

/** `example.com` on a line of its own opens a site that goes to the end of the file. */
function withBraces(directives: readonly Directive[]): readonly Directive[] {
  const at = directives.findIndex(({ name, block }) => block === undefined && name !== 'import');
  const first = directives[at];
  if (first === undefined || !looksLikeAddress(first.name)) return directives;
  const block = directives.slice(at + 1);
  const end = block.at(-1)?.end ?? first.end;
  return [...directives.slice(0, at), { ...first, block, open: first.end, close: end, end }];
}

function looksLikeAddress(name: string): boolean {
  return /^(?:https?:\/\/|:\d|\[|\*\.|localhost|\{\$)/.test(name) || name.includes('.');
}

class Reader {
  readonly problems: SyntaxProblem[] = [];
  readonly #source: Source;
  readonly #text: string;
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  /** Reads up to the closing brace of the block, or to the end of the file at depth 0. */
  readBlock(depth: number): Directive[] {
    const directives: Directive[] = [];
    for (;;) {
      const words = this.#readLine();
      const [head] = words;
      if (head === undefined) {
        if (this.#at >= this.#text.length) return directives;
        continue;
      }
      if (isBrace(head, '}')) {
        this.#at = head.end;
        if (depth > 0) return directives;
        this.#problem(head, 'a `}` closes nothing');
        continue;
      }
      directives.push(this.#toDirective(words, { head, depth }));
    }
  }

  #toDirective(
    words: readonly Word[],
    { head, depth }: { readonly head: Word; readonly depth: number },
  ): Directive {
    const last = words.at(-1) ?? head;
    const isGlobal = isBrace(head, '{');
    const name = isGlobal ? globalOptions : head.text;
    const base = { source: this.#source, start: head.start, name, head };
    if (!isBrace(last, '{')) return { ...base, args: words.slice(1), end: last.end };
    const args = isGlobal ? [] : words.slice(1, -1);
    const open = last.end;
    if (depth >= maxDepth) {
      this.#problem(head, 'blocks are nested too deep');
      this.#at = this.#text.length;
      return { ...base, args, block: [], open, close: this.#at, end: this.#at };
    }
    const block = this.readBlock(depth + 1);
    const isClosed = this.#text[this.#at - 1] === '}' && this.#at > open;
    if (!isClosed) this.#problem(head, `the block of \`${head.text}\` is not closed`);
    return { ...base, args, block, open, close: isClosed ? this.#at - 1 : this.#at, end: this.#at };
  }

  /** The words up to the end of the line, or up to a brace that opens a block or begins the next line of one. */
  #readLine(): Word[] {
    const words: Word[] = [];
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === undefined) return words;
      if (sign === '\n') {
        this.#at += 1;
        return words;
      }
      if (sign === '\\' && /^\\\r?\n/.test(this.#text.slice(this.#at, this.#at + 3))) {
        this.#at = this.#text.indexOf('\n', this.#at) + 1;
      } else if (/\s/.test(sign)) {
        this.#at += 1;
      } else if (sign === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else {
        const word = this.#readWord(sign);
        if (isBrace(word, '}') && words.length > 0) {
          // `}` behind other words of a line still closes the block: it is read again as a line of its own.
          this.#at = word.start;
          return words;
        }
        words.push(word);
        if (isBrace(word, '}')) return words;
      }
    }
  }

  #readWord(sign: string): Word {
    if (sign === '"' || sign === '`') return this.#readQuoted(sign);
    if (this.#text.startsWith('<<', this.#at)) {
      const heredoc = this.#readHeredoc();
      if (heredoc !== undefined) return heredoc;
    }
    const start = this.#at;
    const parts: string[] = [];
    while (this.#at < this.#text.length && !/\s/.test(this.#text[this.#at] ?? ' ')) {
      if (this.#text[this.#at] === '\\' && /["\\]/.test(this.#text[this.#at + 1] ?? '')) this.#at += 1;
      else if (this.#text[this.#at] === '\\' && /[\r\n]/.test(this.#text[this.#at + 1] ?? '')) break;
      parts.push(this.#text[this.#at] ?? '');
      this.#at += 1;
    }
    if (this.#at === start) this.#at += 1;
    return this.#word(parts.join(''), start);
  }

  #readQuoted(quote: string): Word {
    const start = this.#at;
    const parts: string[] = [];
    this.#at += 1;
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === undefined) {
        const word = this.#word(parts.join(''), start);
        this.#problem({ ...word, end: start + 1 }, 'a quote is not closed');
        return word;
      }
      this.#at += 1;
      if (sign === quote) return this.#word(parts.join(''), start);
      if (sign === '\\' && quote === '"' && this.#text[this.#at] === '"') {
        parts.push('"');
        this.#at += 1;
      } else {
        parts.push(sign);
      }
    }
  }

  /** `<<MARK`, lines, and the mark on a line of its own. */
  #readHeredoc(): Word | undefined {
    const [opening, mark = ''] = /^<<([\w-]+)\r?\n/.exec(this.#text.slice(this.#at, this.#at + 200)) ?? [];
    if (opening === undefined) return undefined;
    const start = this.#at;
    let line = start + opening.length;
    while (line < this.#text.length) {
      const next = this.#text.indexOf('\n', line);
      const end = next === -1 ? this.#text.length : next;
      if (this.#text.slice(line, end).trim() === mark) {
        const text = this.#text.slice(start + opening.length, line);
        this.#at = end;
        return this.#word(text, start);
      }
      line = end + 1;
    }
    this.#at = this.#text.length;
    const word = this.#word('', start);
    this.#problem({ ...word, end: start + opening.trimEnd().length }, 'a heredoc is not closed');
    return word;
  }

  #word(text: string, start: number): Word {
    return { source: this.#source, text: text.slice(0, maxWordLength), start, end: this.#at };
  }

  #problem({ source, start, end }: { source: Source; start: number; end: number }, message: string): void {
    this.problems.push({ source, start, end, message });
  }
}

/** A brace alone and without quotes. */
function isBrace(word: Word, brace: '{' | '}'): boolean {
  return word.text === brace && word.end - word.start === 1;
}
