import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../../src/auth/fetch/strict-json.ts';

const read = (text: string): unknown => parseStrictJson(Buffer.from(text));

describe('strict JSON', () => {
  it.each([
    ['duplicate-name', '{"a":1,"a":2}'],
    ['duplicate-name, below', '{"x":[{"a":{},"b":[1,{"c":1}],"a":3}]}'],
    ['duplicate-name, spelled with an escape', '{"client_id":1,"client\\u005fid":2}'],
    ['duplicate-name after a value with brackets in it', '{"a":"}{\\"","a":2}'],
    ['prototype', '{"__proto__":{"x":1}}'],
    ['prototype, escaped and below', '{"a":[{"\\u005f_proto__":1}]}'],
    ['deep', `{"a":${'['.repeat(16)}${']'.repeat(16)}}`],
    ['very deep', '['.repeat(60_000)],
    ['array', '[]'],
    ['text', '"a"'],
    ['null', 'null'],
    ['empty', ''],
    ['two values', '{}{}'],
    ['trailing comma', '{"a":1,}'],
    ['comment', '{/* */}'],
    ['string without end', '{"a'],
    ['lone escape', '{"a\\'],
    ['control character', '{"a":"\n"}'],
  ])('%s is refused', (_name, text) => {
    expect(read(text)).toBeUndefined();
  });

  it('bytes that are not UTF-8 are refused', () => {
    expect(parseStrictJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toBeUndefined();
  });

  it.each([
    '{}',
    '\uFEFF{"a":1}',
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"c":"a","d":["a","a","b"]}',
    `{"a":${'['.repeat(15)}${']'.repeat(15)}}`,
    '{"":1," ":2,"\\u0000":3}',
  ])('control: %j is read as it is', (text) => {
    expect(read(text)).toEqual(JSON.parse(text.replace('\uFEFF', '')));
  });

  it('reads what any writer of shallow objects writes, and never throws', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true }),
        (value) => {
          const text = JSON.stringify(value);
          if (text.includes('__proto__')) return;
          expect(read(text)).toEqual(JSON.parse(text));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '1') }),
        (text) => {
          const value = read(text);
          if (value !== undefined) expect(value).toEqual(JSON.parse(text));
        },
      ),
    );
  });
});
