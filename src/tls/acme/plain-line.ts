/** Control, format and line-separating characters: a terminal, a log line or a reader may take them for something else. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu;

/** Foreign text, fit for a message on one line: without anything that steers a terminal, and cut to a number of characters. */
export function toPlainLine(text: string, limit: number): string {
  const line = text
    .slice(0, limit * 4)
    .replaceAll(unprintable, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1).toWellFormed()}…`;
}
