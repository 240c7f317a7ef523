import { fail, ok, type Result } from './result.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** Longest duration a timer of Node can wait: 2^31-1 ms, a little under 25 days. */
export const longestDuration = 2_147_483_647;

/**
 * Reads `500ms`, `30s`, `5m`, `24h` or `7d` as milliseconds; a unit is demanded, fractions and sums are not known. What no timer
 * waits for may be longer than `longestDuration`.
 */
export function parseDuration(text: string, longest: number = longestDuration): Result<number, string> {
  const match = /^(\d{1,10})(ms|s|m|h|d)$/.exec(text);
  const unit = units.find(([name]) => name === match?.[2]);
  if (match === null || unit === undefined) {
    return fail('write a number and a unit: `500ms`, `30s`, `5m`, `24h`');
  }
  const milliseconds = Number(match[1]) * unit[1];
  if (milliseconds <= longest) return ok(milliseconds);
  return fail(`the longest duration is \`${longest === longestDuration ? '24d' : formatDuration(longest)}\``);
}

/** Writes milliseconds in the largest unit that divides them, so that `parseDuration` reads the same number back. */
export function formatDuration(milliseconds: number): string {
  const unit = units.find(([, size]) => milliseconds >= size && milliseconds % size === 0);
  return unit === undefined ? `${milliseconds}ms` : `${milliseconds / unit[1]}${unit[0]}`;
}
