import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderValue, isSameValue, MAX_ENCODED_LENGTH } from '../../src/mcp/headers.ts';

const encode = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;

describe('decodeHeaderValue', () => {
  it.each([
    ['echo', 'echo'],
    ['', ''],
    ['file:///a b?c=d', 'file:///a b?c=d'],
    ['=?base64?Y2Fmw6k=?=', 'café'],
    ['=?base64??=', ''],
    ['=?base64?PT9iYXNlNjQ/PT89?=', '=?base64?=?='],
    ['=?BASE64?Y2Fmw6k=?=', '=?BASE64?Y2Fmw6k=?='],
    ['=?base64?Y2Fmw6k=', '=?base64?Y2Fmw6k='],
    ['x=?base64?Y2Fmw6k=?=', 'x=?base64?Y2Fmw6k=?='],
  ])('reads %j as %j', (value, text) => {
    expect(decodeHeaderValue(value)).toBe(text);
  });

  it.each([
    ['missing padding', '=?base64?Y2Fmw6k?='],
    ['too much padding', '=?base64?Y2Fmw6k==?='],
    ['padding inside', '=?base64?YQ==YQ==?='],
    ['stray bits', '=?base64?YR==?='],
    ['the URL alphabet', '=?base64?_-_-?='],
    ['white space', '=?base64?YWJj ?='],
    ['a foreign character', '=?base64?YW*Jj?='],
    ['overlapping marks', '=?base64?='],
  ])('base64-malleability: %s is malformed', (_case, value) => {
    expect(decodeHeaderValue(value)).toBeUndefined();
  });

  it('invalid-utf8: bytes that are not UTF-8 are malformed', () => {
    expect(decodeHeaderValue(`=?base64?${Buffer.from([0xc0, 0xaf]).toString('base64')}?=`)).toBeUndefined();
    expect(decodeHeaderValue(`=?base64?${Buffer.from([0xe9]).toString('base64')}?=`)).toBeUndefined();
  });

  it.each(['caf\u00e9', 'caf\u00c3\u00a9', 'a\tb', 'a\u007f', '\u0001'])(
    'raw-bytes-in-header: %j is malformed',
    (value) => {
      expect(decodeHeaderValue(value)).toBeUndefined();
    },
  );

  it('decode-bomb: the size is checked before the value is decoded', () => {
    const bytes = (MAX_ENCODED_LENGTH - '=?base64??='.length) / 4;
    expect(decodeHeaderValue(encode('a'.repeat(Math.floor(bytes) * 3)))).toBe(
      'a'.repeat(Math.floor(bytes) * 3),
    );
    expect(decodeHeaderValue(encode('a'.repeat(Math.ceil(bytes) * 3)))).toBeUndefined();
  });

  it('undoes what a client encodes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(decodeHeaderValue(encode(text))).toBe(text);
      }),
    );
  });
});

describe('isSameValue', () => {
  it.each([
    ['echo', 'echo', true],
    [encode('echo'), 'echo', true],
    [encode('日本'), '日本', true],
    ['Echo', 'echo', false],
    ['echo', undefined, false],
    ['', undefined, false],
    // A body value in the encoded form has to be encoded once more.
    [encode('x'), encode('x'), false],
    [encode(encode('x')), encode('x'), true],
    ['=?base64?x?=', 'x', false],
  ])('%j and %j: %s', (header, body, isSame) => {
    expect(isSameValue(header, body)).toBe(isSame);
  });
});
