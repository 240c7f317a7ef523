import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AsciiStrings } from '../../src/lib/ascii-strings.ts';

it('reads what stands in the bytes, whatever was read before', () => {
  const strings = new AsciiStrings();
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '/', ' ', '__proto__'), maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 50 }), (rounds) => {
      for (const [before, wanted, after] of rounds) {
        const bytes = Buffer.from(before + wanted + after);
        expect(strings.read(bytes, before.length, before.length + wanted.length)).toBe(wanted);
      }
    }),
  );
});

it('gives each string the form that was asked for, and equal ones the same', () => {
  const strings = new AsciiStrings((text) => text.toLowerCase());
  for (const text of ['Content-Type', 'CONTENT-TYPE', 'content-type', '__proto__', '7']) {
    const bytes = Buffer.from(text);
    for (let time = 0; time < 2; time++)
      expect(strings.read(bytes, 0, bytes.length)).toBe(text.toLowerCase());
  }
});
