import { describe, expect, it } from 'vitest';
import { formatColumns } from '../../src/cli/columns.ts';

describe('columns', () => {
  it('are as wide as their widest word, without blanks at the end', () => {
    const rows = [
      ['a.example.com', 'valid'],
      ['b', ''],
    ];
    expect(formatColumns(['NAME', 'STATE'], rows)).toBe('NAME           STATE\na.example.com  valid\nb\n');
  });

  it('have the notes of a row below it, which widen nothing', () => {
    const rows = [['a'], ['b']];
    expect(formatColumns(['NAME'], rows, [['the first of two', 'the second'], []])).toBe(
      'NAME\na\n  the first of two\n  the second\nb\n',
    );
  });

  it('terminal-escape: neither cells nor notes steer the terminal', () => {
    expect(formatColumns(['NAME'], [['\u001b[2J']], [['\u001b]0;x']])).not.toContain('\u001b');
  });
});
