import { toPrintable } from '../lib/printable.ts';

/** Lines with columns as wide as their widest word; what they show cannot steer the terminal. */
export function formatColumns(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const safe = rows.map((cells) => cells.map(toPrintable));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...safe.map((cells) => cells[column]?.length ?? 0)),
  );
  return [headings, ...safe]
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
