import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePatterns } from '../../src/lib/pattern.ts';

/** The slow way: tries every length a `*` may have. */
function fitsSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (!pattern.startsWith('*'))
    return pattern.charAt(0) === text.charAt(0) && fitsSlowly(pattern.slice(1), text.slice(1));
  return Array.from({ length: text.length + 1 }, (_, at) => at).some((at) =>
    fitsSlowly(pattern.slice(1), text.slice(at)),
  );
}

const matches = (pattern: string, text: string): boolean | undefined => compilePatterns([pattern])?.(text);

describe('compilePatterns', () => {
  it.each([
    ['search', 'search', true],
    ['search', 'Search', false],
    ['search', 'search2', false],
    ['search', 'research', false],
    ['', '', true],
    ['*', '', true],
    ['*', 'a\nb', true],
    ['get_*', 'get_', true],
    ['get_*', 'forget_me', false],
    ['*_get', 'may_get', true],
    ['*_get', 'may_get_', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'acb', false],
    ['*b*', 'abc', true],
    ['a**b', 'ab', true],
    ['a*bc*c', 'abc', false],
    // Everything but `*` stands for itself.
    ['a.c', 'abc', false],
    ['a?', 'ab', false],
    ['[ab]', 'a', false],
    ['(a|b)', 'a', false],
    ['^a$', 'a', false],
    ['\\*', '*', false],
    ['{a,b}', 'a', false],
    // Unicode forms are not folded: a server may keep two tools apart by them.
    ['caf\u00e9', 'cafe\u0301', false],
    ['\u{1f600}*', '\u{1f600}!', true],
    ['\u{1f600}', '\u{1f601}', false],
  ])('%j on %j: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('fits when one of several does, and is nothing when there are none', () => {
    const fits = compilePatterns(['a', 'b*', '*c']);
    expect(['a', 'bx', 'xc', 'xa', ''].map((text) => fits?.(text))).toEqual([true, true, true, false, false]);
    expect(compilePatterns([])).toBeUndefined();
  });

  it('agrees with trying every way', () => {
    const few = (characters: string): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...characters.split('')), maxLength: 9 });
    let hits = 0;
    fc.assert(
      fc.property(few('ab*'), few('ab'), (pattern, text) => {
        const expected = fitsSlowly(pattern, text);
        if (expected) hits++;
        expect(matches(pattern, text)).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
    expect(hits).toBeGreaterThan(500);
  });

  it('redos: a pattern of many wildcards takes time in proportion to the text', () => {
    const pattern = `${'a*'.repeat(200)}b`;
    const text = 'a'.repeat(100_000);
    const fits = compilePatterns([pattern, `*${'a*'.repeat(200)}b*`]);
    const started = performance.now();
    for (let time = 0; time < 10; time++) expect(fits?.(text)).toBe(false);
    // The control below shows what a way back costs on a text a thousand times shorter.
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('control: the same as a regular expression takes time beyond all bounds', () => {
    const expression = new RegExp(`^${'a.*'.repeat(5)}b$`);
    const measure = (length: number): number => {
      const started = performance.now();
      expect(expression.test('a'.repeat(length))).toBe(false);
      return performance.now() - started;
    };
    measure(50);
    expect(measure(120)).toBeGreaterThan(4 * measure(60));
  });
});
