import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AsciiStrings } from '../../src/lib/ascii-strings.ts';

it('reads what stands in the bytes, whatever was read before', () => {
  const strings = new AsciiStrings();
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '/', ' '), maxLength: 70 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 50 }), (rounds) => {
      for (const [before, wanted, after] of rounds) {
        const bytes = Buffer.from(before + wanted + after);
        expect(strings.read(bytes, before.length, before.length + wanted.length)).toBe(wanted);
      }
    }),
  );
});
