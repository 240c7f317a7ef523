import type { Place } from '../lib/diagnostic.ts';
import { maskSecrets } from './mask.ts';

/** Half-open range of UTF-16 offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Turns offsets of a file into lines and columns, and shows lines without their secrets. */
export interface SourceText {
  /** The part of the span that lies on its first line. */
  place(span: Span): Place;
}

export function createSourceText(options: {
  file: string;
  text: string;
  /** Ranges that are never shown. */
  secrets: readonly Span[];
}): SourceText {
  const { file, text, secrets } = options;
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    place(span) {
      const offset = Math.min(Math.max(0, span.start), text.length);
      const line = lineOf(offset);
      const start = starts[line] ?? 0;
      const raw = text.slice(start, (starts[line + 1] ?? text.length + 1) - 1).replace(/\r$/, '');
      const column = Math.min(offset - start, raw.length);
      const visible = raw.trimEnd().length;
      const end = Math.min(span.end - start, visible);
      return {
        file,
        line: line + 1,
        column: column + 1,
        length: Math.max(1, end - column),
        sourceLine: maskSecrets(hide(raw, start, secrets)),
      };
    },
  };
}

function hide(line: string, start: number, secrets: readonly Span[]): string {
  return secrets.reduce((shown, secret) => {
    const from = Math.max(0, secret.start - start);
    const to = Math.min(line.length, secret.end - start);
    return from < to ? shown.slice(0, from) + '*'.repeat(to - from) + shown.slice(to) : shown;
  }, line);
}
