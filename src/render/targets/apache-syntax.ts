import { printTaggedLines, type LineSyntax, type TaggedLine } from '../tagged-lines.ts';

const syntax: LineSyntax = {
  indent: '    ',
  end: '',
  open: (text) => `<${text}>`,
  close: (text) => `</${text.split(' ')[0]}>`,
  width: 120,
};

export function printApache(lines: readonly TaggedLine[]): string {
  return printTaggedLines(lines, syntax);
}

/** One argument of Apache, quoted where it has to be; `undefined` for what cannot be written: `${NAME}` is replaced in quotes, too. */
export function toApacheWord(text: string): string | undefined {
  if (text === '' || /["\\\p{Cc}]|\$\{|%\{/u.test(text)) return undefined;
  return /^[A-Za-z0-9/_.:*+=@~^,-]+$/.test(text) ? text : `"${text}"`;
}

/** For texts that were found writable before. */
export function word(text: string): string {
  return toApacheWord(text) ?? '';
}

/** A regular expression as an argument. */
export function pattern(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}

export function toSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
