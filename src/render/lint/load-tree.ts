import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { maxDepth, type Directive, type SyntaxProblem, type SyntaxTree } from './directive.ts';
import type { UnreadInclude } from './input.ts';
import { matchesGlob } from './file-glob.ts';
import { createSource, type Source } from './source.ts';

/** How files are reached; both reject when there is nothing. */
export interface LintFiles {
  readonly read: (path: string) => Promise<Uint8Array>;
  /** The names in a folder. */
  readonly list: (folder: string) => Promise<readonly string[]>;
}

/** How an engine names the files that it includes. */
export interface IncludeSyntax {
  readonly parse: (source: Source) => SyntaxTree;
  /** Patterns that a directive includes; `undefined` when it includes nothing. */
  readonly patternsOf: (directive: Directive, tree: SyntaxTree) => readonly string[] | undefined;
  /** Folders that relative names may start from, best first. */
  readonly foldersOf: (source: Source, main: SyntaxTree) => readonly string[];
}

export interface LoadedTree {
  readonly tree: SyntaxTree;
  readonly unread: readonly UnreadInclude[];
  readonly problems: readonly SyntaxProblem[];
}

/** Files larger than this are no configurations; 1 MiB. */
export const maxFileBytes: number = 1024 ** 2;
const maxFiles = 200;
const maxIncludeDepth = 16;

/** Parses one text and what it includes. Never rejects: what cannot be read is listed. */
export async function loadTree(
  source: Source,
  options: { syntax: IncludeSyntax; files: LintFiles },
): Promise<LoadedTree> {
  const tree = options.syntax.parse(source);
  const loader = new Loader(tree, options);
  const directives = await loader.expand(tree, [resolve(source.file)]);
  return {
    tree: { ...tree, directives },
    unread: loader.unread,
    problems: [...tree.problems, ...loader.problems],
  };
}

/** The text of a file, or why it is none. */
export function decodeFile(bytes: Uint8Array): { readonly text: string } | { readonly reason: string } {
  if (bytes.length > maxFileBytes) return { reason: 'is larger than 1 MiB' };
  if (bytes.includes(0)) return { reason: 'is not a text file' };
  return { text: new TextDecoder().decode(bytes) };
}

class Loader {
  readonly unread: UnreadInclude[] = [];
  readonly problems: SyntaxProblem[] = [];
  readonly #main: SyntaxTree;
  readonly #syntax: IncludeSyntax;
  readonly #files: LintFiles;
  #count = 0;

  constructor(main: SyntaxTree, { syntax, files }: { syntax: IncludeSyntax; files: LintFiles }) {
    this.#main = main;
    this.#syntax = syntax;
    this.#files = files;
  }

  async expand(tree: SyntaxTree, stack: readonly string[]): Promise<readonly Directive[]> {
    return this.#expandAll(tree.directives, { tree, stack, depth: 0 });
  }

  async #expandAll(
    directives: readonly Directive[],
    place: { readonly tree: SyntaxTree; readonly stack: readonly string[]; readonly depth: number },
  ): Promise<readonly Directive[]> {
    if (place.depth > maxDepth) return directives;
    const expanded: Directive[] = [];
    for (const directive of directives) {
      const patterns = this.#syntax.patternsOf(directive, place.tree);
      if (patterns !== undefined) {
        for (const pattern of patterns)
          expanded.push(...(await this.#include(directive, { ...place, pattern })));
      } else if (directive.block === undefined) {
        expanded.push(directive);
      } else {
        const block = await this.#expandAll(directive.block, { ...place, depth: place.depth + 1 });
        expanded.push({ ...directive, block });
      }
    }
    return expanded;
  }

  async #include(
    directive: Directive,
    options: { readonly tree: SyntaxTree; readonly stack: readonly string[]; readonly pattern: string },
  ): Promise<readonly Directive[]> {
    const { tree, stack, pattern } = options;
    const paths = await this.#find(pattern, tree.source);
    if (paths.length === 0 && !/[*?[]/.test(pattern)) this.#giveUp(directive, 'could not be read');
    const included: Directive[] = [];
    for (const path of paths) {
      const inner = await this.#read(directive, { path, stack });
      if (inner !== undefined) included.push(...(await this.expand(inner, [...stack, path])));
    }
    return included;
  }

  async #read(
    directive: Directive,
    { path, stack }: { readonly path: string; readonly stack: readonly string[] },
  ): Promise<SyntaxTree | undefined> {
    if (stack.includes(path)) return this.#giveUp(directive, 'includes itself');
    if (stack.length > maxIncludeDepth) return this.#giveUp(directive, 'is included too deep');
    this.#count += 1;
    if (this.#count > maxFiles) return this.#giveUp(directive, `comes after ${maxFiles} other files`);
    try {
      const decoded = decodeFile(await this.#files.read(path));
      if ('reason' in decoded) return this.#giveUp(directive, decoded.reason);
      const tree = this.#syntax.parse(createSource(path, decoded.text));
      this.problems.push(...tree.problems);
      return tree;
    } catch {
      return this.#giveUp(directive, 'could not be read');
    }
  }

  #giveUp(directive: Directive, reason: string): undefined {
    this.unread.push({ directive, reason });
  }

  async #find(pattern: string, source: Source): Promise<string[]> {
    const folders = isAbsolute(pattern) ? ['/'] : this.#syntax.foldersOf(source, this.#main);
    for (const folder of folders) {
      const found = await this.#glob(
        resolve(folder),
        pattern.split('/').filter((part) => part !== ''),
      );
      if (found.length > 0) return found;
    }
    return [];
  }

  async #glob(folder: string, parts: readonly string[]): Promise<string[]> {
    const [part = '', ...rest] = parts;
    const names = /[*?[]/.test(part) ? await this.#match(folder, part) : [part];
    const found: string[] = [];
    for (const name of names) {
      const path = join(folder, name);
      if (rest.length > 0) found.push(...(await this.#glob(path, rest)));
      else if (names.length > 1 || (await this.#exists(path))) found.push(path);
      if (found.length > maxFiles) return found;
    }
    return found;
  }

  async #match(folder: string, pattern: string): Promise<string[]> {
    const names = await this.#list(folder);
    return names.filter((name) => matchesGlob(name, pattern)).toSorted();
  }

  async #exists(path: string): Promise<boolean> {
    const names = await this.#list(dirname(path));
    if (names.includes(basename(path))) return true;
    return this.#files.read(path).then(
      () => true,
      () => false,
    );
  }

  async #list(folder: string): Promise<readonly string[]> {
    return this.#files.list(folder).catch(() => []);
  }
}
