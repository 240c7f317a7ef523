import { printTaggedLines, type TaggedLine } from '../tagged-lines.ts';

/** Writes lines as `caddy fmt` does. The block of the options has no text before its braces. */
export function printCaddy(lines: readonly TaggedLine[]): string {
  return printTaggedLines(lines, {
    indent: '\t',
    end: '',
    open: (text) => (text === '' ? '{' : `${text} {`),
    close: () => '}',
    width: 120,
  });
}

/**
 * One word of a Caddyfile, quoted where it has to be; `undefined` for what cannot be written there. Braces are placeholders
 * everywhere, in quotes too, and `{$NAME}` is replaced before anything is read.
 */
export function toCaddyWord(text: string): string | undefined {
  if (/[{}`\p{Cc}]/u.test(text) || text === '') return undefined;
  return /^[A-Za-z0-9/_.:*%+,=@~^-]+$/.test(text) && !text.startsWith('@') ? text : `\`${text}\``;
}

/** The same for what is known to be writable. */
export function word(text: string): string {
  return toCaddyWord(text) ?? '';
}
