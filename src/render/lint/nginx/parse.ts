import {
  maxDepth,
  maxWordLength,
  type Directive,
  type SyntaxProblem,
  type SyntaxTree,
  type Word,
} from '../directive.ts';
import type { Source } from '../source.ts';

/** Code of another language is one word, and only looked through for names. */
const maxCodeLength = 65_536;

/**
 * Reads nginx's syntax: words, quotes, escapes, comments and blocks. Lua blocks are kept as one word. Never throws; what is broken
 * becomes a problem with its place, and reading goes on.
 */
export function parseNginx(source: Source): SyntaxTree {
  const reader = new Reader(source);
  const directives = reader.readBlock(0);
  return { source, directives, problems: reader.problems };
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
      this.#skipBlank();
      const sign = this.#text[this.#at];
      if (sign === undefined) return directives;
      if (sign === '}') {
        if (depth > 0) return directives;
        this.#problem(this.#at, this.#at + 1, 'a `}` closes nothing');
        this.#at += 1;
      } else if (sign === ';' || sign === '{') {
        this.#problem(this.#at, this.#at + 1, `a \`${sign}\` stands where a directive begins`);
        this.#at += 1;
      } else {
        const directive = this.#readDirective(depth);
        if (directive !== undefined) directives.push(directive);
      }
    }
  }

  #readDirective(depth: number): Directive | undefined {
    const words = this.#readWords();
    const [head, ...args] = words;
    if (head === undefined) return undefined;
    const base = { source: this.#source, start: head.start, name: head.text, head };
    const sign = this.#text[this.#at];
    if (sign === ';') {
      this.#at += 1;
      return { ...base, args, end: this.#at };
    }
    if (sign === '{') return this.#readBlockOf({ base, args, depth });
    const last = words.at(-1) ?? head;
    this.#problem(head.start, last.end, `\`${head.text}\` has no \`;\` at its end`);
    return { ...base, args, end: last.end };
  }

  #readBlockOf(options: {
    readonly base: Pick<Directive, 'source' | 'start' | 'name' | 'head'>;
    readonly args: readonly Word[];
    readonly depth: number;
  }): Directive {
    const { base, args, depth } = options;
    this.#at += 1;
    const open = this.#at;
    if (base.name.endsWith('_by_lua_block')) {
      const code = this.#readForeignCode();
      return { ...base, args: [...args, code], end: this.#at };
    }
    if (depth >= maxDepth) {
      this.#problem(base.start, open, 'blocks are nested too deep');
      this.#at = this.#text.length;
      return { ...base, args, block: [], open, close: this.#at, end: this.#at };
    }
    const block = this.readBlock(depth + 1);
    const close = this.#at;
    if (this.#text[this.#at] === '}') this.#at += 1;
    else this.#problem(base.head.start, base.head.end, `the block of \`${base.name}\` is not closed`);
    return { ...base, args, block, open, close, end: this.#at };
  }

  /** Code of another language: braces are counted outside of quotes. */
  #readForeignCode(): Word {
    const start = this.#at;
    let level = 1;
    while (this.#at < this.#text.length) {
      const sign = this.#text[this.#at] ?? '';
      if (sign === '"' || sign === "'") this.#skipQuoted(sign);
      else if (sign === '{') level += 1;
      else if (sign === '}') level -= 1;
      this.#at += 1;
      if (level === 0)
        return this.#word(this.#text.slice(start, this.#at - 1), start, this.#at - 1, maxCodeLength);
    }
    // A quotation mark or backslash at the very end looks one further.
    this.#at = this.#text.length;
    this.#problem(start, start + 1, 'a block of code is not closed');
    return this.#word(this.#text.slice(start), start, this.#at);
  }

  #skipQuoted(quote: string): void {
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote && this.#text[this.#at] !== '\n') {
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
  }

  #readWords(): Word[] {
    const words: Word[] = [];
    for (;;) {
      this.#skipBlank();
      const sign = this.#text[this.#at];
      if (sign === undefined || sign === ';' || sign === '{' || sign === '}') return words;
      words.push(sign === '"' || sign === "'" ? this.#readQuoted(sign) : this.#readPlain());
    }
  }

  #readQuoted(quote: string): Word {
    const start = this.#at;
    const parts: string[] = [];
    this.#at += 1;
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === undefined) {
        this.#problem(start, start + 1, 'a quote is not closed');
        return this.#word(parts.join(''), start, this.#at);
      }
      this.#at += 1;
      if (sign === quote) return this.#word(parts.join(''), start, this.#at);
      if (sign === '\\') parts.push(this.#readEscape());
      else parts.push(sign);
    }
  }

  #readPlain(): Word {
    const start = this.#at;
    const parts: string[] = [];
    for (;;) {
      const sign = this.#text[this.#at];
      if (sign === undefined || /[\s;]/.test(sign)) break;
      // `${name}` belongs to its word; any other brace opens a block.
      if (sign === '{' && this.#text[this.#at - 1] !== '$') break;
      if (sign === '{') {
        const close = this.#text.indexOf('}', this.#at);
        const stop = close === -1 ? this.#at + 1 : close + 1;
        parts.push(this.#text.slice(this.#at, stop));
        this.#at = stop;
        continue;
      }
      this.#at += 1;
      parts.push(sign === '\\' ? this.#readEscape() : sign);
    }
    return this.#word(parts.join(''), start, this.#at);
  }

  /** nginx unescapes quotes, blanks and its three letters; any other backslash stays. */
  #readEscape(): string {
    const sign = this.#text[this.#at];
    if (sign === undefined) return '\\';
    this.#at += 1;
    if (sign === '"' || sign === "'" || sign === '\\' || sign === ' ') return sign;
    return { t: '\t', r: '\r', n: '\n' }[sign] ?? `\\${sign}`;
  }

  #skipBlank(): void {
    for (;;) {
      while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
      if (this.#text[this.#at] !== '#') return;
      const end = this.#text.indexOf('\n', this.#at);
      this.#at = end === -1 ? this.#text.length : end;
    }
  }

  #word(text: string, start: number, end: number, limit: number = maxWordLength): Word {
    return { source: this.#source, text: text.slice(0, limit), start, end };
  }

  #problem(start: number, end: number, message: string): void {
    this.problems.push({ source: this.#source, start, end, message });
  }
}
