import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A block of a page, in a language. */
export interface CodeBlock {
  /** Relative to the root of the project. */
  readonly page: string;
  /** Of the line after the fence, from 1. */
  readonly line: number;
  readonly text: string;
}

/** All pages for users. */
export function listPages(): readonly string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  return ['README.md', ...below('docs'), ...below('examples')].toSorted();
}

/** The blocks of a page that are fenced as this language. */
export function readBlocks(page: string, language: string): readonly CodeBlock[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      text: match[2] ?? '',
    }));
}

/** The configurations that examples have as files. */
export function readExamples(): readonly CodeBlock[] {
  return readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join('examples', name))
    .map((page) => ({ page, line: 1, text: readFileSync(join(root, page), 'utf8') }));
}
