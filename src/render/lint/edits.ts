import type { Directive } from './directive.ts';
import type { Edit } from './finding.ts';
import { lineAt, lineText, type Source } from './source.ts';

/** A correction: lines to show and edits that make it. */
export interface Correction {
  readonly lines: readonly string[];
  readonly edits: readonly Edit[];
}

/** Writes other lines in place of a directive. */
export function replaceWith(directive: Directive, lines: readonly string[]): Correction {
  const { source, start, end } = directive;
  return { lines, edits: [{ source, start, end, text: lines.join(`\n${indentAt(source, start)}`) }] };
}

/** Writes lines on their own, behind a directive. */
export function insertBehind(directive: Directive, lines: readonly string[]): Correction {
  const { source, start, end } = directive;
  const indent = indentAt(source, start);
  const text = lines.map((line) => `\n${indent}${line}`).join('');
  return { lines, edits: [{ source, start: end, end, text }] };
}

/** Writes lines at the beginning of a block. */
export function insertInto(block: Directive, lines: readonly string[]): Correction {
  const { source, start, open } = block;
  const at = open ?? block.end;
  const indent = `${indentAt(source, start)}    `;
  const text = lines.map((line) => `\n${indent}${line}`).join('');
  return { lines, edits: [{ source, start: at, end: at, text }] };
}

/** Applies edits to one file's text. Of two that touch each other only the first is made; equal insertions are made once. */
export function applyEdits(source: Source, edits: readonly Edit[]): string {
  const own = edits.filter((edit) => edit.source === source);
  const sorted = own.toSorted((one, other) => one.start - other.start || one.end - other.end);
  const parts: string[] = [];
  const inserted = new Set<string>();
  let at = 0;
  for (const { start, end, text } of sorted) {
    const key = `${start} ${end} ${text}`;
    if (start < at || inserted.has(key)) continue;
    inserted.add(key);
    parts.push(source.text.slice(at, start), text);
    at = end;
  }
  return `${parts.join('')}${source.text.slice(at)}`;
}

function indentAt(source: Source, offset: number): string {
  return /^[ \t]*/.exec(lineText(source, lineAt(source, offset)))?.[0] ?? '';
}
