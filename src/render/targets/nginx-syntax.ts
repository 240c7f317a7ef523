import { printTaggedLines, type LineSyntax, type TaggedLine } from '../tagged-lines.ts';

const syntax: LineSyntax = {
  indent: '    ',
  end: ';',
  open: (text) => `${text} {`,
  close: () => '}',
  width: 120,
};

export function printNginx(lines: readonly TaggedLine[]): string {
  return printTaggedLines(lines, syntax);
}

/**
 * One argument of nginx, quoted where it has to be; `undefined` for what cannot be written: a `$` begins a variable everywhere, in
 * quotes too, and there is no way to write it.
 */
export function toNginxWord(text: string): string | undefined {
  if (text === '' || /[$\p{Cc}]/u.test(text)) return undefined;
  if (/^[A-Za-z0-9/_.:*%+,=@-][A-Za-z0-9/_.:*%+,=@~^-]*$/.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** For texts that were found writable before. */
export function word(text: string): string {
  return toNginxWord(text) ?? '';
}

/** Whole seconds, which is what nginx takes without a unit; at least one. */
export function seconds(milliseconds: number): string {
  return `${Math.max(1, Math.ceil(milliseconds / 1000))}s`;
}
