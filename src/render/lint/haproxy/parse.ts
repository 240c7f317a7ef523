import {
  maxWordLength,
  type Directive,
  type SyntaxProblem,
  type SyntaxTree,
  type Word,
} from '../directive.ts';
import type { Source } from '../source.ts';

const sections = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'mailers',
  'resolvers',
  'userlist',
  'cache',
  'program',
  'ring',
  'http-errors',
  'fcgi-app',
  'log-forward',
  'log-profile',
  'crt-store',
  'traces',
  'acme',
]);

/**
 * Reads a haproxy.cfg: one directive a line, words with quotes and escapes, sections up to the next one. Never throws; what is broken
 * becomes a problem with its place.
 */
export function parseHaproxy(source: Source): SyntaxTree {
  const problems: SyntaxProblem[] = [];
  const directives: Directive[] = [];
  let current: { readonly opening: Directive; readonly block: Directive[] } | undefined;
  const close = (): void => {
    if (current === undefined) return;
    const { opening, block } = current;
    directives.push({ ...opening, block, open: opening.end, close: block.at(-1)?.end ?? opening.end });
  };
  for (const [index, start] of source.lineStarts.entries()) {
    const end = source.lineStarts[index + 1] ?? source.text.length;
    const words = readWords(source, { start, end, problems });
    const [head, ...args] = words;
    if (head === undefined) continue;
    const directive = {
      source,
      name: head.text,
      head,
      args,
      start: head.start,
      end: words.at(-1)?.end ?? head.end,
    };
    if (sections.has(head.text)) {
      close();
      current = { opening: directive, block: [] };
    } else if (current === undefined) {
      // Conditional lines may stand anywhere.
      if (!head.text.startsWith('.'))
        problems.push({ ...head, message: `\`${head.text}\` stands before the first section` });
    } else {
      current.block.push(directive);
    }
  }
  close();
  return { source, directives, problems };
}

function readWords(
  source: Source,
  {
    start,
    end,
    problems,
  }: { readonly start: number; readonly end: number; readonly problems: SyntaxProblem[] },
): Word[] {
  const { text } = source;
  const words: Word[] = [];
  let at = start;
  while (at < end) {
    const sign = text[at] ?? '\n';
    if (sign === '#') return words;
    if (/\s/.test(sign)) {
      at += 1;
      continue;
    }
    const from = at;
    const parts: string[] = [];
    let quote = '';
    while (at < end) {
      const next = text[at] ?? '\n';
      if (next === '\n' || (quote === '' && (/\s/.test(next) || next === '#'))) break;
      at += 1;
      if (next === quote) quote = '';
      else if (quote === '' && (next === '"' || next === "'")) quote = next;
      else if (next === '\\' && quote !== "'" && at < end && text[at] !== '\n') {
        parts.push(text[at] ?? '');
        at += 1;
      } else parts.push(next);
    }
    if (quote !== '') problems.push({ source, start: from, end: from + 1, message: 'a quote is not closed' });
    words.push({ source, text: parts.join('').slice(0, maxWordLength), start: from, end: at });
  }
  return words;
}
