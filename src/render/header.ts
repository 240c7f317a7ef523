import { hash } from 'node:crypto';
import type { RenderedFile } from './rendered.ts';

/** With this the header of each rendered file begins, after the mark of a comment: files without it are somebody's work. */
export const headerMark = 'Rendered by Breakwater';
const jsonMark = '{\n  "$comment": "';
const templateMark = '{{- /* ';

const HASH_DIGITS = 12;

/** The first lines of rendered files: which program made them of what, so that it can be told whether they are up to date. */
export function buildHeader(options: {
  /** `breakwater render nginx --mode direct`. */
  readonly command: string;
  readonly version: string;
  /** What it was made of; the same input has the same hash. */
  readonly input: object;
}): readonly string[] {
  const { command, version, input } = options;
  return [
    `${headerMark} ${version}: ${command}`,
    `Input ${hash('sha256', JSON.stringify(input), 'hex').slice(0, HASH_DIGITS)}. Do not edit: change breakwater.yaml and render again.`,
  ];
}

/** Puts the header over a file. Most formats have comments that begin with `#`. */
export function addHeader({ path, text }: RenderedFile, rows: readonly string[]): RenderedFile {
  // JSON has no comments, but JSON Schema has a keyword for them.
  if (path.endsWith('.json')) return { path, text: text.replace('{\n', `${jsonMark}${rows.join(' ')}",\n`) };
  // What Helm shows to people after it has installed a chart.
  if (path.endsWith('.txt')) return { path, text: `${templateMark}${rows.join(' ')} */ -}}\n${text}` };
  const header = rows.map((row) => `# ${row}\n`).join('');
  // `caddy fmt` wants no empty line before the block of the options.
  return { path, text: `${header}${text.startsWith('{\n') ? '' : '\n'}${text}` };
}

/** Whether a file has the header, and may be replaced. */
export function hasHeader(text: string): boolean {
  return ['# ', jsonMark, templateMark].some((mark) => text.startsWith(`${mark}${headerMark}`));
}
