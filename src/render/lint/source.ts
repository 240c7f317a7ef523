import type { Place } from '../../lib/diagnostic.ts';

/** The text of one file, with where its lines begin. */
export interface Source {
  readonly file: string;
  readonly text: string;
  /** Offsets; the first is 0. */
  readonly lineStarts: readonly number[];
}

/** A stretch of a file: offsets in UTF-16 units, the end exclusive. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

export function createSource(file: string, text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

/** Number of the line at an offset, from 1. */
export function lineAt({ lineStarts }: Source, offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

/** A line without its end; empty for one that does not exist. */
export function lineText({ lineStarts, text }: Source, line: number): string {
  const start = lineStarts[line - 1];
  if (start === undefined) return '';
  return text.slice(start, lineStarts[line] ?? text.length).replace(/\r?\n$/, '');
}

/** The place of a span, for a frame; a span of several lines is marked to the end of its first. */
export function toPlace({ source, start, end }: Span): Place {
  const line = lineAt(source, start);
  const column = start - (source.lineStarts[line - 1] ?? 0) + 1;
  const sourceLine = lineText(source, line);
  const length = Math.max(1, Math.min(end - start, sourceLine.length - column + 1));
  return { file: source.file, line, column, length, sourceLine };
}
