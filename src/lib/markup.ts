/** Markup that may go into a page as it is. Only the tag below makes it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = Html | string | number | undefined | readonly HtmlValue[];

/** Builds markup: whatever is filled in is escaped, for text and for attributes in double quotes, unless it is markup itself (stored XSS). */
export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const filled = values.map((value, index) => toText(value) + (parts[index + 1] ?? ''));
  return new Html((parts[0] ?? '') + filled.join(''));
}

function toText(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return value.map(toText).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also takes out characters that turn text around or hide in it: a client's name must not pose as another (bidi spoofing). */
function escapeText(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
