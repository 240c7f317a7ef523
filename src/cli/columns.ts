import { toPrintable } from '../lib/printable.ts';

/**
 * Lines with columns as wide as their widest word; what they show cannot steer the terminal. `notes` holds, row by row, what stands
 * below it, indented.
 */
export function formatColumns(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  notes: readonly (readonly string[])[] = [],
): string {
  const safe = rows.map((cells) => cells.map(toPrintable));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...safe.map((cells) => cells[column]?.length ?? 0)),
  );
  const write = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = safe.flatMap((cells, row) => [
    write(cells),
    ...(notes[row] ?? []).map((note) => `  ${toPrintable(note)}`),
  ]);
  return [write(headings), ...lines].map((line) => `${line}\n`).join('');
}
