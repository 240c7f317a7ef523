import { expect, it } from 'vitest';
import { wrapWords } from '../../src/lib/wrap-words.ts';

it.each([
  ['', 10, ['']],
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 6, ['one', 'two', 'three']],
  ['a word-that-is-long b', 5, ['a', 'word-that-is-long', 'b']],
])('wrapWords breaks %j at %i', (text, width, lines) => {
  expect(wrapWords(text, width)).toEqual(lines);
});
