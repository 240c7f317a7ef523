import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainUri, toOtherSpelling } from '../../../src/auth/rules/resource-uri.ts';

describe('isPlainUri', () => {
  it.each([
    'file:///public/a.txt',
    'file:///public/.hidden',
    'file:///public/...',
    'file:///public/a..b',
    'file:///My%20Documents/a',
    'file:///a%2Fb',
    'memo:1',
    'https://example.com/a?q=.&r=..',
    'https://example.com:8443/a#b',
    'file:///{path}',
    'x://h{/segments*}{?q}',
    'urn:isbn:0451450523',
    'note://caf\u00e9/\u{1f600}',
    'note://caf%C3%A9',
    'file:///50%25',
    '',
  ])('takes %s', (uri) => {
    expect(isPlainUri(uri)).toBe(true);
  });

  it.each([
    'file:///public/../secret',
    'file:///public/..',
    'file:///public/./a',
    'file:///public/.',
    '../secret',
    '..',
    'file:..',
    'memo:./a',
    'file:///public/..?x',
    'file:///public/..#x',
    'file:///public/..;a=b/secret',
    'file:///public/%2e%2e/secret',
    'file:///public/%2E./secret',
    'file:///public/..%2fsecret',
    'file:///public%2f..%2Fsecret',
    'file:///public/%252e%252e/secret',
    'file:///public/%25252e%25252e/secret',
    'file:///public/%2525252e%2525252e/secret',
    'file:///public/%25252525252e%25252525252e/secret',
    'file:///public/..\\secret',
    'file:///public\\..\\secret',
    'file:///public/..%5csecret',
    'file:///public/.\t./secret',
    'file:///public/.%0a./secret',
    'file:///public/a%00/b',
    'file:///public/a\0',
    'file:///public/.. /secret',
    'file:///public/..%20/secret',
    'https://example.com/a?path=x/../y',
  ])('path-traversal: refuses %j', (uri) => {
    expect(isPlainUri(uri)).toBe(false);
  });

  it('leaves no URI that a URL parser shortens', () => {
    const piece = fc.constantFrom(
      'a',
      '.',
      '..',
      '/',
      '%2e',
      '%2f',
      '\\',
      '\t',
      '?',
      '#',
      '%25',
      ' ',
      '%5c',
      ';',
    );
    let plain = 0;
    let shortened = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = pieces.join('');
        for (const scheme of ['file:///public/', 'https://example.com/public/']) {
          const isKept = new URL(scheme + path).href.startsWith(scheme.replace(/\/$/, ''));
          if (!isKept) shortened++;
          if (!isPlainUri(scheme + path)) continue;
          plain++;
          expect(isKept, path).toBe(true);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(plain).toBeGreaterThan(1000);
    // Control: without the check many of these would lead out of the folder.
    expect(shortened).toBeGreaterThan(100);
  });

  it('redos: a URI of dots, slashes or escapes takes time in proportion', () => {
    for (const piece of ['.', '/', '%', '%25', '. ', '/.a', '..', ' ']) {
      const uri = piece.repeat(100_000);
      const started = performance.now();
      isPlainUri(`x:${uri}`);
      toOtherSpelling(`x:${uri}`);
      expect(performance.now() - started, piece).toBeLessThan(1000);
    }
  });
});

describe('toOtherSpelling', () => {
  it.each([
    ['file:///a', undefined],
    ['FILE:///A', 'file:///A'],
    ['https://EXAMPLE.com/A', 'https://example.com/A'],
    ['file:///%41%7e%2D', 'file:///A~-'],
    ['file:///a%2fb', undefined],
    ['file:///a%C3%A9', undefined],
    ['%46ile:///a', 'file:///a'],
    ['no uri', undefined],
  ])('%s: %s', (uri, expected) => {
    expect(toOtherSpelling(uri)).toBe(expected);
  });
});
