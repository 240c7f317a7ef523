import { describe, expect, it } from 'vitest';
import { parseTokenList } from '../../src/http/field-lines.ts';

describe('a list of tokens', () => {
  it.each([
    ['close', ['close']],
    ['Keep-Alive, X-Secret', ['keep-alive', 'x-secret']],
    ['\t a \t,\t, b ,', ['a', 'b']],
    ['', []],
    [' \t ', []],
    ['\u00a0a', ['\u00a0a']],
    ['a b', ['a b']],
  ])('%j', (value, members) => {
    expect(parseTokenList(value)).toEqual(members);
  });

  it('blanks-without-end: is read in one pass, however many blanks stand within a member', () => {
    const member = `a${' \t'.repeat(200_000)}b`;
    expect(parseTokenList(member)).toEqual([member]);
  });
});
