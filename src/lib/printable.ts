/**
 * Terminal escape injection: controls (C0, DEL, C1) and the separators of lines and paragraphs steer a terminal or begin another line;
 * characters of format turn text around or hide in it (Unicode UTR #36 section 3); what is a half, private or not assigned may look
 * like anything.
 */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside for one line of a terminal, a log or a message: each unit of what is not fit to print becomes `?`, line feeds and
 * tabs too. The length stays, so that columns and marks still fit; and `?` is there on every terminal.
 */
export function toPrintable(text: string): string {
  return text.replaceAll(unprintable, (hidden) => '?'.repeat(hidden.length));
}

/** The same for prose of others: what is not fit becomes a space, spaces in a row become one, and the rest is cut to `limit` characters. */
export function toPrintableLine(text: string, limit: number): string {
  const line = text
    .slice(0, limit * 4)
    .replaceAll(unprintable, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1).toWellFormed()}…`;
}
