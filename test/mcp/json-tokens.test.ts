import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanString } from '../../src/mcp/json-tokens.ts';

/** Long runs of plain text with something else in them, at any distance from the start of the buffer. */
const special = fc.constantFrom(
  '"',
  '\\',
  '\\"',
  '\\u00e9',
  '\\u00zz',
  '\n',
  '\0',
  '\x1f',
  '\x7f',
  'é',
  '😀',
  ' ',
);
const plain = fc.nat(150).map((length) => 'abcdefghijklmnopqrstuvwxyz'.repeat(6).slice(0, length));
const inside = fc.array(fc.oneof(plain, special), { maxLength: 5 }).map((parts) => parts.join(''));

function read(offset: number, text: string): number {
  const bytes = Buffer.concat([Buffer.alloc(offset, '#'), Buffer.from(text)]);
  // A view that begins anywhere in its memory, as bodies do.
  return scanString(bytes.subarray(offset), 0);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a long string', () => {
  it('is read as JSON.parse reads it, wherever it lies in memory', () => {
    const check = fc.check(
      fc.property(inside, fc.nat(7), (content, offset) => {
        const text = `"${content}"`;
        const end = read(offset, text);
        const whole = Buffer.byteLength(text);
        // What is no string to JSON.parse may have one at its beginning.
        return isJson(text) ? Math.floor(end / 4) === whole : end === -1 || Math.floor(end / 4) < whole;
      }),
      { numRuns: 5000 },
    );
    expect(check.counterexample).toBeNull();
  });

  it.each([64, 65, 66, 67, 127, 128, 129, 1000])('ends at its quote after %i bytes', (length) => {
    for (let offset = 0; offset < 8; offset++) {
      expect(read(offset, `"${'x'.repeat(length)}" and "more"`)).toBe((length + 2) * 4);
      expect(read(offset, `"${'x'.repeat(length)}é"`)).toBe((length + 4) * 4 + 2);
      expect(read(offset, `"${'x'.repeat(length)}\\n"`)).toBe((length + 4) * 4 + 1);
    }
  });

  it.each(['\0', '\x1f', '\n', '\\x', ''])('is none with %j in it, or without an end', (bad) => {
    for (let length = 60; length < 140; length++) {
      const text = bad === '' ? `"${'x'.repeat(length)}` : `"${'x'.repeat(length)}${bad}${'x'.repeat(80)}"`;
      expect(read(length % 8, text)).toBe(-1);
    }
  });
});
