import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { toDiagnosticJson } from '../../src/lib/diagnostic-json.ts';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';

const misspelled: Diagnostic = {
  severity: 'error',
  code: 'E_CONFIG_UNKNOWN_KEY',
  message: '`upsteam` is not a setting of a route',
  file: 'gateway.yml',
  line: 7,
  column: 5,
  length: 7,
  sourceLine: '    upsteam: http://127.0.0.1:3000',
  label: 'did you mean `upstream`?',
  fix: 'rename the key, or run `breakwater explain E_CONFIG_UNKNOWN_KEY`',
};

describe('the frame of a problem', () => {
  it('is drawn as agreed', () => {
    expect(renderDiagnostics([misspelled])).toBe(
      `error[E_CONFIG_UNKNOWN_KEY]: \`upsteam\` is not a setting of a route
  --> gateway.yml:7:5
   |
 7 |     upsteam: http://127.0.0.1:3000
   |     ^^^^^^^ did you mean \`upstream\`?
   = fix: rename the key, or run \`breakwater explain E_CONFIG_UNKNOWN_KEY\`
`,
    );
  });

  it('keeps its columns together for long line numbers and shows the other place of a conflict', () => {
    const { fix: _fix, ...conflict } = misspelled;
    const secondary = {
      file: 'gateway.yml',
      line: 99,
      column: 1,
      length: 3,
      sourceLine: 'abc: 1',
      label: 'first',
    };
    expect(renderDiagnostics([{ ...conflict, line: 101, secondary }])).toBe(
      `error[E_CONFIG_UNKNOWN_KEY]: \`upsteam\` is not a setting of a route
    --> gateway.yml:101:5
     |
 101 |     upsteam: http://127.0.0.1:3000
     |     ^^^^^^^ did you mean \`upstream\`?
    ::: gateway.yml:99:1
     |
  99 | abc: 1
     | --- first
     = fix: rename or remove the key, or run \`breakwater schema\`
`,
    );
  });

  it('has no place when there is none, and no line for a variable', () => {
    expect(renderDiagnostics([{ severity: 'warning', code: 'E_USAGE', message: 'm', fix: 'f' }])).toBe(
      'warning[E_USAGE]: m\n   = fix: f\n',
    );
    const variable = { severity: 'error', code: 'E_CONFIG_VALUE', message: 'm', fix: 'f' } as const;
    expect(
      renderDiagnostics([
        { ...variable, file: 'X (environment)', length: 3, sourceLine: 'abc', label: 'no' },
      ]),
    ).toBe('error[E_CONFIG_VALUE]: m\n  --> X (environment)\n   |\n   | abc\n   | ^^^ no\n   = fix: f\n');
  });

  it('stops after twenty and counts the rest', () => {
    const text = renderDiagnostics(Array.from({ length: 23 }, () => misspelled));
    expect(text.match(/^error/gm)).toHaveLength(20);
    expect(text.endsWith('\nand 3 more\n')).toBe(true);
  });

  it.each([
    ['…', true],
    ['...', false],
  ])('cuts long lines with %s and keeps the mark under its text', (ellipsis, unicode) => {
    const sourceLine = `${'a'.repeat(200)}HERE${'b'.repeat(200)}`;
    const text = renderDiagnostics([{ ...misspelled, sourceLine, column: 201, length: 4 }], {
      unicode,
      width: 60,
    });
    const [source = '', marks = ''] = text.split('\n').slice(3);
    expect(source.length).toBeLessThanOrEqual(60);
    expect(source.split(ellipsis)).toHaveLength(3);
    expect(source.slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)).toBe('HERE');
  });

  it('is coloured only when asked', () => {
    expect(renderDiagnostics([misspelled], { color: true })).toContain(
      '\u001b[31merror[E_CONFIG_UNKNOWN_KEY]\u001b[39m',
    );
    expect(renderDiagnostics([misspelled])).not.toContain('\u001b');
  });

  it('attack: terminal escape injection', () => {
    const evil = '\u001b]0;owned\u0007\u009b2J\u202eabc\r\n\tx';
    const { secondary: _none, ...plain } = misspelled;
    const text = renderDiagnostics([
      { ...plain, message: evil, label: evil, fix: evil, file: evil, sourceLine: evil, column: 1, length: 2 },
    ]);
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text.split('\n')).toHaveLength(7);
  });
});

describe('a problem as JSON', () => {
  it('has every fact but the source line', () => {
    const { sourceLine: _line, ...facts } = misspelled;
    expect(toDiagnosticJson(misspelled)).toEqual(facts);
  });

  it('names the fix of the table where the problem has none', () => {
    expect(toDiagnosticJson({ severity: 'error', code: 'E_CONFIG_DUPLICATE_KEY', message: 'm' })).toEqual({
      severity: 'error',
      code: 'E_CONFIG_DUPLICATE_KEY',
      message: 'm',
      fix: 'keep one of the two',
    });
  });
});
