import { expect, it } from 'vitest';
import { hasByteOrderMark } from '../../src/mcp/byte-order-mark.ts';

it.each([
  ['\uFEFF{}', true],
  ['\uFEFF', true],
  ['{}\uFEFF', false],
  ['', false],
])('hasByteOrderMark of %j is %s', (text, expected) => {
  expect(hasByteOrderMark(Buffer.from(text))).toBe(expected);
});

it('takes half a mark for none', () => {
  expect(hasByteOrderMark(Buffer.from([0xef, 0xbb]))).toBe(false);
});
