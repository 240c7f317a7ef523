/** A command as it is shown, and as it can be typed. */
export interface ShownCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly input?: { readonly file: string };
}

/** The command line for a POSIX shell, in one line, whatever its arguments hold. */
export function formatCommand({ command, args, input }: ShownCommand): string {
  const words = [command, ...args].map(quoteForShell).join(' ');
  return input === undefined ? words : `${words} < ${quoteForShell(input.file)}`;
}

/**
 * One word for a POSIX shell. Control characters, which would break the line or steer the terminal it is shown on, take the
 * `$'…'` form (POSIX.1-2024 section 2.2.4).
 */
export function quoteForShell(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!hasControls(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(controls, toOctalBytes);
  return `$'${escaped}'`;
}

/**
 * One string for PowerShell, where the typographic quotes end a string as the plain one does (about_Quoting_Rules). Control
 * characters are put in by their number.
 */
export function quoteForPowerShell(text: string): string {
  const parts = text
    .replaceAll(/['\u2018-\u201B]/g, '$&$&')
    .replaceAll(controls, (character) => `' + [char]${character.codePointAt(0) ?? 0} + '`);
  return hasControls(text) ? `('${parts}')` : `'${parts}'`;
}

/** One string in JSON, in which nothing that is invisible or turns the text around stands as itself. */
export function quoteForJson(text: string): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replaceAll(controls, escape);
}

// C0, DEL, C1, the line separators and the marks that turn the direction of text around. Fewer than `lib/printable.ts` takes out: names
// of files may have joiners in them, and a word in plain quotes can be typed into every shell.
const controls = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

function hasControls(text: string): boolean {
  return text.search(controls) !== -1;
}

function toOctalBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
