import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../fixtures/fuzz-corpus/', import.meta.url));

export interface CorpusFile {
  readonly name: string;
  readonly input: Buffer;
}

/** The inputs that once broke a rule of the target, kept for ever. */
export function loadCorpus(target: string): CorpusFile[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.startsWith(`${target}/`))
    .toSorted()
    .map((name) => ({ name, input: readFileSync(`${root}${name}`) }));
}

/** Names of the targets that have kept inputs. */
export function listCorpora(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** Keeps an input that broke a rule; returns the path of its file. */
export function saveFind(target: string, input: Buffer): string {
  const directory = `${root}${target}/`;
  mkdirSync(directory, { recursive: true });
  const path = `${directory}${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
  writeFileSync(path, input);
  return path;
}
