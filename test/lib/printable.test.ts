import { describe, expect, it } from 'vitest';
import { toPrintable, toPrintableLine } from '../../src/lib/printable.ts';

const hostile: readonly (readonly [attack: string, text: string, printed: string])[] = [
  ['escape sequence', 'a\u001B[2Jb', 'a?[2Jb'],
  ['title of the window', '\u001B]0;owned\u0007', '?]0;owned?'],
  ['control sequence in one character (C1)', '\u009B31mred', '?31mred'],
  ['a line of its own', 'a\r\nexit=0\u0085b', 'a??exit=0?b'],
  ['tab, backspace and delete', 'a\tb\bc\u007F', 'a?b?c?'],
  ['separators of lines and paragraphs', 'a\u2028b\u2029c', 'a?b?c'],
  ['bidi override', 'a\u202Egnp.exe\u202C', 'a?gnp.exe?'],
  ['bidi isolate and mark', '\u2066a\u2069\u200F', '?a??'],
  ['zero width', 'pay\u200Bpal\uFEFF\u200D\u2060', 'pay?pal???'],
  ['tags, which are invisible', 'a\u{E0041}b', 'a??b'],
  ['lone halves', 'a\uD800b\uDC00', 'a?b?'],
  ['private use', '\uE000\u{F0000}', '???'],
  ['not assigned', '\uFFFF\u0378', '??'],
];

describe('toPrintable', () => {
  it.each(hostile)('terminal-escape: %s', (_attack, text, printed) => {
    expect(toPrintable(text)).toBe(printed);
    expect(toPrintable(text)).toHaveLength(text.length);
  });

  it.each(['', 'plain text', 'Grüße, 東京 — “ok” …', 'e\u0301', '😀 ok', 'שלום', '\u00A0', '?'])(
    'leaves %j alone',
    (text) => expect(toPrintable(text)).toBe(text),
  );
});

describe('toPrintableLine', () => {
  it.each(hostile)('terminal-escape: %s', (_attack, text) => {
    expect(toPrintableLine(text, 100)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  });

  it('makes one line of several, without room at its ends', () => {
    expect(toPrintableLine('\n one\r\n\ttwo \u2028 three\u001B', 100)).toBe('one two three');
    expect(toPrintableLine('\u001B\n', 100)).toBe('');
  });

  it('keeps to its limit, the mark of the cut included', () => {
    expect(toPrintableLine('x'.repeat(10), 10)).toBe('x'.repeat(10));
    expect(toPrintableLine('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(toPrintableLine('x'.repeat(1_000_000), 10)).toHaveLength(10);
  });

  it('leaves no half of a character where it cuts', () => {
    expect(toPrintableLine('12345678😀9', 10)).toBe('12345678\uFFFD…');
  });
});
