/** One word of haproxy.cfg, in strong quotes where it has to be; `undefined` for what these cannot hold. */
export function toHaproxyWord(text: string): string | undefined {
  if (text === '' || /['\p{Cc}]/u.test(text)) return undefined;
  return /^[A-Za-z0-9/_.:*+=@~^,-]+$/.test(text) ? text : `'${text}'`;
}

/** For texts that were found writable before. */
export function word(text: string): string {
  return toHaproxyWord(text) ?? '';
}

/** The same where HAProxy looks for `%[…]` in it. */
export function format(text: string): string {
  return word(text.replaceAll('%', '%%'));
}
