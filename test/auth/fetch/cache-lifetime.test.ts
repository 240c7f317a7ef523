import { describe, expect, it } from 'vitest';
import { parseCacheLifetime } from '../../../src/auth/fetch/cache-lifetime.ts';

const now = Date.parse('2026-07-28T12:00:00Z');
const day = 86_400_000;

describe('how long an answer is fresh', () => {
  it.each([
    [{}, undefined],
    [{ 'cache-control': 'public' }, undefined],
    [{ 'cache-control': 'max-age=60' }, 60_000],
    [{ 'cache-control': 'public, Max-Age=60, must-revalidate' }, 60_000],
    [{ 'cache-control': 'max-age="60"' }, 60_000],
    [{ 'cache-control': 'max-age=60', age: '20' }, 40_000],
    [{ 'cache-control': 'max-age=60', age: '100' }, 0],
    [{ 'cache-control': 'max-age=60', age: '-20' }, 60_000],
    [{ 'cache-control': 'max-age=99999999999999999999' }, day],
    [{ 'cache-control': 'max-age=-1' }, undefined],
    [{ 'cache-control': 'x-max-age=60' }, undefined],
    [{ 'cache-control': 'no-store, max-age=60' }, 0],
    [{ 'cache-control': 'max-age=60, no-cache="set-cookie"' }, 0],
    [{ expires: 'Tue, 28 Jul 2026 12:10:00 GMT' }, 600_000],
    [{ expires: 'Tue, 28 Jul 2026 12:10:00 GMT', date: 'Tue, 28 Jul 2026 12:09:00 GMT' }, 60_000],
    [{ expires: 'Tue, 28 Jul 2026 11:00:00 GMT' }, 0],
    [{ expires: 'Tue, 28 Jul 2099 11:00:00 GMT' }, day],
    [{ expires: '0' }, 0],
    [{ expires: 'Tue, 28 Jul 2026 12:10:00 GMT', 'cache-control': 'max-age=5' }, 5000],
  ])('%j: %j', (headers, milliseconds) => {
    expect(parseCacheLifetime(headers, now)).toBe(milliseconds);
  });
});
