import { fail, ok, type Result } from './result.ts';

const units = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
  ['B', 1],
] as const;

/** Reads `512B`, `16KiB`, `8MiB` or `1GiB` as bytes. Decimal units are refused: `8MB` means different sizes to different people. */
export function parseByteSize(text: string): Result<number, string> {
  const match = /^(\d{1,15})(B|KiB|MiB|GiB)$/.exec(text);
  const unit = units.find(([name]) => name === match?.[2]);
  if (match === null || unit === undefined) {
    return fail('write a whole number and a unit: `512B`, `16KiB`, `8MiB`, `1GiB`');
  }
  const bytes = Number(match[1]) * unit[1];
  return Number.isSafeInteger(bytes) ? ok(bytes) : fail('the size is too large');
}

/** Writes bytes in the largest unit that divides them, so that `parseByteSize` reads the same number back. */
export function formatByteSize(bytes: number): string {
  const unit = units.find(([, size]) => bytes >= size && bytes % size === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / unit[1]}${unit[0]}`;
}
