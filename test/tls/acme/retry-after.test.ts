import { expect, it } from 'vitest';
import { parseRetryAfter } from '../../../src/tls/acme/retry-after.ts';

const now = Date.UTC(2026, 8, 21, 12);

it.each([
  ['120', 120_000],
  [' 0 ', 0],
  ['Mon, 21 Sep 2026 12:00:30 GMT', 30_000],
  ['Mon, 21 Sep 2026 11:00:00 GMT', 0],
  ['Monday, 21-Sep-26 12:00:30 GMT', 30_000],
])('reads %j as %i ms', (field, expected) => {
  expect(parseRetryAfter(field, now)).toBe(expected);
});

it.each([undefined, '', 'soon', '-1', '1.5', '1e9', '99999999999', 'Mon, nonsense'])(
  'takes %j for nothing',
  (field) => {
    expect(parseRetryAfter(field, now)).toBeUndefined();
  },
);
