import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/render/lint/file-glob.ts';

describe('file patterns', () => {
  it.each([
    ['a.conf', '*.conf'],
    ['a.conf', '*'],
    ['a.conf', 'a.c?nf'],
    ['a1.conf', 'a[0-9].conf'],
    ['ab.conf', 'a[!0-9].conf'],
    ['a.b.conf', '*.*.conf'],
    ['.hidden', '.*'],
    ['', ''],
    ['x[', 'x['],
  ])('%j fits %j', (name, pattern) => {
    expect(matchesGlob(name, pattern)).toBe(true);
  });

  it.each([
    ['a.conf.bak', '*.conf'],
    ['.a.conf', '*.conf'],
    ['a.conf', 'b*'],
    ['aa.conf', 'a[0-9].conf'],
    ['a.conf', 'a?conf?'],
    ['axconf', 'a.conf'],
    ['a', ''],
  ])('%j does not fit %j', (name, pattern) => {
    expect(matchesGlob(name, pattern)).toBe(false);
  });

  it('takes no longer for patterns that are made to', () => {
    const started = performance.now();
    expect(matchesGlob(`${'a'.repeat(255)}b`, `${'*a'.repeat(100)}c`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
